using GenoSeq.Data;
using GenoSeq.Models;

namespace GenoSeq.Inference.Scoring;

/// <summary>
/// Natural log-likelihoods of bases. Causal models: log p(base | those before it), exact; the first base has none. Masked models: log
/// p(base | the others but those masked with it), the pseudo-likelihood (Salazar et al., ACL 2020) by strided masking.
/// </summary>
/// <remarks>Only A, C, G and T have a value; at other positions it is NaN.</remarks>
public sealed class LikelihoodScorer
{
    private readonly SequenceModel _model;
    private readonly LikelihoodOptions _options;
    private readonly Alphabet _alphabet;
    private readonly RowRunner _runner;

    /// <summary>Prepares scoring.</summary>
    /// <param name="model">In evaluation mode, on its device; it stays the caller's.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="ArgumentException">An option is invalid.</exception>
    public LikelihoodScorer(SequenceModel model, LikelihoodOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new LikelihoodOptions();
        options.ThrowIfInvalid(nameof(options));
        // Of an equivariant model both strands say the same: the same bases are masked together.
        _options = model.Config.RcEquivariant ? options with { Strand = StrandUse.Forward } : options;
        _model = model;
        _alphabet = Alphabet.Get(model.Config.Alphabet);
        _runner = new RowRunner(model, _alphabet, _options.BatchTokens);
    }

    /// <summary>Values of each base of sequences of any length.</summary>
    /// <param name="sequences">ASCII.</param>
    /// <param name="stop">Ends the work.</param>
    /// <returns>For each sequence [length].</returns>
    public float[][] Score(IReadOnlyList<ReadOnlyMemory<byte>> sequences, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        var results = new float[sequences.Count][];
        var pieces = new List<Piece>();
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = new float[sequences[i].Length];
            if (sequences[i].Length <= _options.Window)
            {
                pieces.Add(new Piece(sequences[i], 0, results[i]));
                continue;
            }

            float[] own = results[i];
            Stream(new ScoreItem("", sequences[i]), (start, values) => values.CopyTo(own.AsSpan((int)start)), stop);
        }

        Short(pieces, stop);
        return results;
    }

    /// <summary>Values of a sequence of any length, piece by piece in ascending order, in constant memory.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="use">Receives the index of the first base and values from there on.</param>
    /// <param name="stop">Ends the work.</param>
    public void Stream(ScoreItem sequence, Action<long, ReadOnlySpan<float>> use, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(sequence);
        ArgumentNullException.ThrowIfNull(use);
        if (_model.IsCausal)
        {
            new CausalStream(_model, _alphabet, _options).Run(sequence, use, stop);
        }
        else
        {
            Windows(sequence, use, stop);
        }
    }

    // A masked model reads long sequences in windows: each has a core that it scores, and bases around it that it only reads.
    private void Windows(ScoreItem sequence, Action<long, ReadOnlySpan<float>> use, CancellationToken stop)
    {
        long length = sequence.Length;
        int window = (int)Math.Min(_options.Window, length);
        int atOnce = (int)Math.Max(1, _options.BatchTokens / ((long)window * _options.MaskStride));
        long scored = 0;
        while (scored < length)
        {
            var pieces = new List<Piece>();
            var cores = new List<(int From, int To)>();
            long first = scored;
            for (; pieces.Count < atOnce && scored < length;)
            {
                long start = Math.Clamp(scored - _options.Margin, 0, length - window);
                long end = start + window;
                long core = end == length ? length : end - _options.Margin;
                byte[] bases = new byte[window];
                sequence.Read(start, bases);
                pieces.Add(new Piece(bases, start, new float[window]));
                cores.Add(((int)(scored - start), (int)(core - start)));
                scored = core;
            }

            Short(pieces, stop);
            for (int i = 0; i < pieces.Count; i++)
            {
                (int from, int to) = cores[i];
                use(first, pieces[i].Result.AsSpan(from, to - from));
                first += to - from;
            }
        }
    }

    private void Short(List<Piece> pieces, CancellationToken stop)
    {
        var rows = new List<(ModelRow Row, Piece Piece, bool Reverse)>();
        foreach (Piece piece in pieces)
        {
            piece.Result.AsSpan().Fill(float.NaN);
            foreach (bool reverse in Strands(_options.Strand))
            {
                rows.AddRange(Rows(piece, reverse).Select(r => (r, piece, reverse)));
            }
        }

        _runner.Predict([.. rows.Select(r => r.Row)], stop);
        foreach ((ModelRow row, Piece piece, bool reverse) in rows)
        {
            int shift = _model.IsCausal ? 1 : 0;
            for (int i = 0; i < row.Positions.Length; i++)
            {
                int at = row.Positions[i] + shift;
                ref float value = ref piece.Result[reverse ? piece.Result.Length - 1 - at : at];
                value = Joined(value, row.LogP[i]);
            }
        }
    }

    internal static IEnumerable<bool> Strands(StrandUse use) => use switch
    {
        StrandUse.Forward => [false],
        StrandUse.Rc => [true],
        _ => [false, true],
    };

    /// <summary>The mean of a second strand's value and the first one's, if that has one.</summary>
    internal static float Joined(float first, float second) => float.IsNaN(first) ? second : float.IsNaN(second) ? first : (first + second) / 2;

    private IEnumerable<ModelRow> Rows(Piece piece, bool reverse)
    {
        int length = piece.Bases.Length;
        byte[] bases = piece.Bases.ToArray();
        if (reverse)
        {
            DnaComplement.ReverseComplementInPlace(bases);
        }

        int[] ids = new int[length];
        _alphabet.Encode(bases, ids);
        if (_model.IsCausal)
        {
            int[] at = [.. Enumerable.Range(0, Math.Max(0, length - 1)).Where(t => _alphabet.IsTarget(ids[t + 1]))];
            yield return new ModelRow(ids, at, Array.ConvertAll(at, t => ids[t + 1]));
            yield break;
        }

        for (int pass = 0; pass < _options.MaskStride; pass++)
        {
            int[] masked = [.. ids];
            var at = new List<int>();
            for (int t = 0; t < length; t++)
            {
                // The same bases hide together on both strands, and wherever windows are cut.
                long place = piece.Start + (reverse ? length - 1 - t : t);
                if (place % _options.MaskStride == pass && _alphabet.IsTarget(ids[t]))
                {
                    masked[t] = _alphabet.MaskId;
                    at.Add(t);
                }
            }

            yield return new ModelRow(masked, [.. at], [.. at.Select(t => ids[t])]);
        }
    }

    private sealed record Piece(ReadOnlyMemory<byte> Bases, long Start, float[] Result);
}
