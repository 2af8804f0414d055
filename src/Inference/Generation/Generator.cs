using System.Buffers;
using System.Diagnostics;
using System.Text;
using GenoSeq.Data;
using GenoSeq.Inference.Scoring;
using GenoSeq.Models;
using GenoSeq.Models.Stepping;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Generation;

/// <summary>
/// Draws sequences from a causal model. A prompt is read in pieces, the way a forward pass goes; then base by base with the layers' states.
/// Base k of sequence i is drawn with number k of a random stream of its own (Philox), so it does not depend on what else is generated.
/// </summary>
public sealed class Generator
{
    private const int Block = 256;
    private const int WarmUpSteps = 3;

    private readonly SequenceModel _model;
    private readonly GenerationOptions _options;
    private readonly Alphabet _alphabet;
    private readonly SamplingRule _rule;
    private readonly Action<string>? _say;

    /// <summary>Prepares generation.</summary>
    /// <param name="model">Causal, in evaluation mode, on its device; it stays the caller's.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="say">Told what the user should know; null: nobody is.</param>
    /// <exception cref="ArgumentException">An option is invalid.</exception>
    /// <exception cref="NotSupportedException">The model sees both sides of a position.</exception>
    public Generator(SequenceModel model, GenerationOptions? options = null, Action<string>? say = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        _options = options ?? new GenerationOptions();
        if (_options.Validate() is [var problem, ..])
        {
            throw new ArgumentException(problem, nameof(options));
        }

        if (!model.IsCausal)
        {
            throw new NotSupportedException("a masked model predicts bases from both sides, so it cannot go on from what precedes");
        }

        _model = model;
        _say = say;
        _alphabet = Alphabet.Get(model.Config.Alphabet);
        int[] choices = [.. Encoding.ASCII.GetBytes(_options.Letters).Select(_alphabet.Encode).Distinct()];
        _rule = new SamplingRule(choices, _options.Temperature, _options.TopK, _options.TopP, CounterRandom.Key(_options.Seed, "generate"));
    }

    /// <summary>Generates whole sequences.</summary>
    /// <param name="prompts">What sequences go on from; null or none: from nothing.</param>
    /// <param name="stop">Ends the work.</param>
    public IReadOnlyList<GeneratedSequence> Run(IEnumerable<ScoreItem>? prompts = null, CancellationToken stop = default)
    {
        var sink = new Collector();
        Run(prompts, sink, null, stop);
        return sink.Sequences;
    }

    /// <summary>Generates sequences piece by piece.</summary>
    /// <param name="prompts">What sequences go on from; null or none: from nothing.</param>
    /// <param name="sink">Receives them.</param>
    /// <param name="speed">Told now and then how fast it goes; null: nobody is.</param>
    /// <param name="stop">Ends the work.</param>
    /// <exception cref="InvalidOperationException">The model's logits are no numbers.</exception>
    public void Run(IEnumerable<ScoreItem>? prompts, IGenerationSink sink, Action<GenerationSpeed>? speed = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(sink);
        byte[]? word = _options.Stop is null ? null : Encoding.ASCII.GetBytes(_options.Stop);
        foreach (GenerationRow[] rows in Rows(prompts, word).Chunk(_options.Batch))
        {
            Together(rows, sink, speed, stop);
        }
    }

    private IEnumerable<GenerationRow> Rows(IEnumerable<ScoreItem>? prompts, byte[]? word)
    {
        long number = 0;
        bool any = false;
        foreach (ScoreItem prompt in prompts ?? [])
        {
            any = true;
            for (int copy = 0; copy < _options.Count; copy++)
            {
                // A prompt without bases is none.
                yield return new GenerationRow(number++, prompt, copy, _options.MaxBases, word);
            }
        }

        for (int copy = 0; copy < _options.Count && !any; copy++)
        {
            yield return new GenerationRow(number++, null, copy, _options.MaxBases, word);
        }
    }

    private void Together(GenerationRow[] rows, IGenerationSink sink, Action<GenerationSpeed>? speed, CancellationToken stop)
    {
        using IDisposable mode = no_grad();
        using var stepper = new ModelStepper(_model, rows.Length);
        using var sampler = new TokenSampler(stepper, _rule, Block);
        using var graph = new SampledSteps(sampler, stepper.CanBeCaptured ? _model.Device : CPU, WarmUpSteps, _say);
        long longest = Begin(rows, stepper, sampler, stop);
        int current = 0;
        Hand(rows, sink, ref current, first: true);
        var clock = Stopwatch.StartNew();
        byte[] letters = new byte[Block];
        for (long done = 0; Array.Exists(rows, r => !r.IsWhole);)
        {
            stop.ThrowIfCancellationRequested();
            int steps = (int)Math.Min(Block, rows.Max(r => r.IsWhole ? 0 : _options.MaxBases - r.Length));
            if (stepper.Reserve(longest + done + steps))
            {
                graph.Forget();
            }

            graph.Run(steps);
            int[][] ids = sampler.Take();
            for (int r = 0; r < rows.Length; r++)
            {
                _alphabet.Decode(ids[r], letters);
                rows[r].Append(letters.AsSpan(0, steps));
            }

            done += steps;
            Hand(rows, sink, ref current, first: false);
            speed?.Invoke(new GenerationSpeed(done, (long)steps * rows.Length, clock.Elapsed.TotalSeconds, stepper.StateBytes));
            clock.Restart();
        }
    }

    // Gives every row its prompt's state; returns the longest prompt.
    private long Begin(GenerationRow[] rows, ModelStepper stepper, TokenSampler sampler, CancellationToken stop)
    {
        long longest = 0;
        ScoreItem? read = null;
        ModelState? state = null;
        int last = 0;
        try
        {
            for (int r = 0; r < rows.Length; r++)
            {
                if (rows[r].Prompt is not { Length: > 0 } prompt)
                {
                    BeginFromNothing(rows[r], r, stepper, sampler);
                    continue;
                }

                if (!ReferenceEquals(prompt, read))
                {
                    state?.Dispose();
                    (state, last) = Read(prompt, stop);
                    read = prompt;
                }

                stepper.Load(r, state!, 0, prompt.Length - 1);
                sampler.Begin(r, rows[r].Number, 0, last);
                longest = Math.Max(longest, prompt.Length);
            }
        }
        finally
        {
            state?.Dispose();
        }

        return longest + 1;
    }

    // A model of next bases says nothing of the first: all letters are equally likely.
    private void BeginFromNothing(GenerationRow row, int r, ModelStepper stepper, TokenSampler sampler)
    {
        stepper.Clear(r);
        int choice = (int)(new CounterRandom(_rule.Key, row.Number).NextDouble() * _rule.Choices.Count);
        int id = _rule.Choices[choice];
        sampler.Begin(r, row.Number, 1, id);
        byte[] letter = new byte[1];
        _alphabet.Decode([id], letter);
        row.Append(letter);
    }

    // All of a prompt but its last base, which the first step reads.
    private (ModelState State, int Last) Read(ScoreItem prompt, CancellationToken stop)
    {
        ModelState state = _model.initial_state(1);
        try
        {
            byte[] bases = new byte[_options.PromptPiece];
            int[] ids = new int[bases.Length];
            for (long done = 0; done < prompt.Length - 1;)
            {
                stop.ThrowIfCancellationRequested();
                int count = (int)Math.Min(bases.Length, prompt.Length - 1 - done);
                prompt.Read(done, bases.AsSpan(0, count));
                _alphabet.Encode(bases.AsSpan(0, count), ids);
                using DisposeScope scope = NewDisposeScope();
                _model.ExtendHidden(tensor<int>(ids.AsSpan(0, count), [1, count], _model.Device), state);
                done += count;
            }

            prompt.Read(prompt.Length - 1, bases.AsSpan(0, 1));
            return (state, _alphabet.Encode(bases[0]));
        }
        catch
        {
            state.Dispose();
            throw;
        }
    }

    // Rows go out one after the other; the first that is not whole as far as it has come.
    private static void Hand(GenerationRow[] rows, IGenerationSink sink, ref int current, bool first)
    {
        if (first)
        {
            Announce(rows[0], sink);
        }

        while (current < rows.Length)
        {
            rows[current].Drain(sink);
            if (!rows[current].IsWhole)
            {
                return;
            }

            sink.End();
            if (++current < rows.Length)
            {
                Announce(rows[current], sink);
            }
        }
    }

    private static void Announce(GenerationRow row, IGenerationSink sink) =>
        sink.Begin(row.Number, row.Prompt?.Id ?? "", row.Copy, row.Prompt is null ? [] : row.Prompt.ReadAll().Span);

    private sealed class Collector : IGenerationSink
    {
        private readonly ArrayBufferWriter<byte> _bases = new();
        private GeneratedSequence? _begun;

        internal List<GeneratedSequence> Sequences { get; } = [];

        public void Begin(long number, string prompt, int copy, ReadOnlySpan<byte> promptBases) => _begun = new GeneratedSequence(number, prompt, copy, []);

        public void Append(ReadOnlySpan<byte> bases) => _bases.Write(bases);

        public void End()
        {
            Sequences.Add(_begun! with { Bases = _bases.WrittenSpan.ToArray() });
            _bases.ResetWrittenCount();
        }
    }
}
