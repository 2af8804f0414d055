using System.Diagnostics;
using GenoSeq.Models;
using GenoSeq.Models.Stepping;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Generation;

/// <summary>The time of a step of generation at a position.</summary>
/// <param name="Position">Positions before it.</param>
/// <param name="Microseconds">Of a step of all rows, mean.</param>
/// <param name="StateBytes">Memory of all states.</param>
/// <param name="Graph">Steps were replayed as a CUDA graph.</param>
public readonly record struct DecodeTime(long Position, double Microseconds, long StateBytes, bool Graph);

/// <summary>
/// Times steps of generation at positions far apart. The state is that behind a prompt of random bases, read by forward passes; for the other
/// positions the rows' counters are set, and room is made as for a sequence so long. To a recurrent layer that is no difference, since nothing it holds
/// is a position: the measurement shows that its time and memory are the same, not what a state of a million bases contains.
/// </summary>
public static class DecodeBenchmark
{
    private const int Block = 256;
    private const int Prompt = 1000;
    private const int WarmUp = 16;

    /// <summary>Runs it.</summary>
    /// <param name="model">Causal, on its device.</param>
    /// <param name="rows">Sequences that are stepped together.</param>
    /// <param name="positions">Where to measure; below 1,000 the prompt is the position.</param>
    /// <param name="steps">Steps that are timed.</param>
    /// <exception cref="NotSupportedException">A layer has no step of its own: no counter makes its state that of a far position.</exception>
    public static IReadOnlyList<DecodeTime> Run(SequenceModel model, int rows, IReadOnlyList<int> positions, int steps)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(positions);
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using var stepper = new ModelStepper(model, rows);
        if (!stepper.CanBeCaptured)
        {
            throw new NotSupportedException("a layer without a step of its own cannot be put at a position that it has not read");
        }

        int vocabulary = model.Config.VocabSize;
        using var sampler = new TokenSampler(stepper, new SamplingRule([.. Enumerable.Range(0, Math.Min(vocabulary, 512))], 1, 0, 1, 1), Block);
        using var graph = new SampledSteps(sampler, model.Device, 3, null);
        using ModelState state = model.initial_state(1);
        int prompt = Math.Min(Prompt, positions.Min());
        model.ExtendHidden(randint(0, vocabulary, [1, prompt], int64, model.Device).to(int32), state);
        var times = new List<DecodeTime>();
        foreach (int position in positions)
        {
            if (stepper.Reserve((long)position + WarmUp + steps + 1))
            {
                graph.Forget();
            }

            for (int row = 0; row < rows; row++)
            {
                stepper.Load(row, state, 0, position);
                sampler.Begin(row, row, 0, 0);
            }

            Steps(WarmUp);
            var clock = Stopwatch.StartNew();
            Steps(steps);
            times.Add(new DecodeTime(position, clock.Elapsed.TotalMicroseconds / steps, stepper.StateBytes, graph.IsCaptured));
        }

        return times;

        // To take the ids is to wait for the device.
        void Steps(int count)
        {
            for (int done = 0; done < count; done += Block)
            {
                graph.Run(Math.Min(Block, count - done));
                sampler.Take();
            }
        }
    }
}
