using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>Computes a stretch of positions from the state before it.</summary>
/// <param name="sequences">Tensors [batch, positions, ...].</param>
/// <param name="state">The state before the first of them.</param>
/// <param name="ids">int [batch, 1 + positions], the first column being the id before the stretch; or null.</param>
/// <param name="constants">Tensors without positions.</param>
/// <returns>The output [batch, positions, ...], and the state behind the last position.</returns>
internal delegate (Tensor Y, Tensor State) Stretch(Tensor[] sequences, Tensor state, Tensor? ids, Tensor[] constants);

/// <summary>
/// Runs a recurrence stretch by stretch, so that what a stretch works with does not grow with the length: the forward pass keeps
/// the states between stretches, the backward pass goes from the last to the first and computes each again. A sequence of one
/// stretch is left to autograd as it is.
/// </summary>
internal sealed class SegmentedRecurrence : autograd.Function
{
    private readonly Stretch _body;
    private readonly long _positions;
    private readonly int _sequences;
    private int _inputs;

    private SegmentedRecurrence(Stretch body, long positions, int sequences)
    {
        _body = body;
        _positions = positions;
        _sequences = sequences;
    }

    /// <summary>Elements of a stretch's largest temporary: 64 MiB in single precision.</summary>
    internal static long Elements { get; set; } = 1 << 24;

    /// <summary>Positions of a stretch: a multiple of the chunk whose largest temporary stays within bounds.</summary>
    /// <param name="elementsPerPosition">Elements of the largest temporary for one position of all batch entries.</param>
    /// <param name="chunk">Positions of a chunk.</param>
    internal static long Positions(long elementsPerPosition, long chunk) =>
        Math.Max(1, Elements / Math.Max(1, elementsPerPosition) / chunk) * chunk;

    /// <summary>Runs it.</summary>
    /// <param name="body">One stretch.</param>
    /// <param name="sequences">Tensors [batch, length, ...].</param>
    /// <param name="state">The state before the first position.</param>
    /// <param name="ids">int [batch, length], or null.</param>
    /// <param name="positions">Positions of a stretch.</param>
    /// <param name="constants">Tensors without positions.</param>
    internal static (Tensor Y, Tensor State) Run(Stretch body, Tensor[] sequences, Tensor state, Tensor? ids, long positions,
        params Tensor[] constants)
    {
        if (sequences[0].size(1) <= positions)
        {
            return body(sequences, state, ids is null ? null : WithBefore(ids, 0, ids.size(1)), constants);
        }

        Tensor?[] y = new SegmentedRecurrence(body, positions, sequences.Length).apply([ids, state, .. sequences, .. constants]);
        return (y[0]!, y[1]!);
    }

    protected override string Name => "SegmentedRecurrence";

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        _inputs = inputs.Length;
        long length = inputs[2]!.size(1);
        Tensor state = inputs[1]!;
        Tensor? result = null;
        var states = new List<Tensor?>();
        for (long first = 0; first < length; first += _positions)
        {
            states.Add(state);
            using DisposeScope scope = NewDisposeScope();
            long count = Math.Min(_positions, length - first);
            (Tensor y, Tensor next) = _body(Cut(inputs, first, count), state, Ids(inputs[0], first, count), Constants(inputs));
            if (result is null)
            {
                long[] shape = y.shape;
                shape[1] = length;
                result = empty(shape, y.dtype, y.device).MoveToOuterDisposeScope();
            }

            result.narrow(1, first, count).copy_(y);
            state = next.MoveToOuterDisposeScope();
        }

        save_for_backward([.. inputs, .. states]);
        return [result, state];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        var inputs = new Tensor?[_inputs];
        for (int i = 0; i < _inputs; i++)
        {
            inputs[i] = saved(i);
        }

        var gradients = new Tensor?[_inputs];
        for (int i = 2; i < _inputs; i++)
        {
            gradients[i] = NeedsInputGrad(i) ? zeros_like(inputs[i]!) : null;
        }

        long length = inputs[2]!.size(1);
        Tensor dstate = grad_outputs[1] ?? zeros_like(inputs[1]!);
        for (long k = (length - 1) / _positions; k >= 0; k--)
        {
            using DisposeScope scope = NewDisposeScope();
            long first = k * _positions;
            dstate = Back(inputs, gradients, saved(_inputs + (int)k)!, first, Math.Min(_positions, length - first), grad_outputs[0], dstate)
                .MoveToOuterDisposeScope();
        }

        gradients[1] = NeedsInputGrad(1) ? dstate : null;
        return gradients;
    }

    // Adds the gradients of one stretch, and returns that of the state before it.
    private Tensor Back(Tensor?[] inputs, Tensor?[] gradients, Tensor before, long first, long count, Tensor? dy, Tensor dstate)
    {
        int constants = 2 + _sequences;
        Tensor[] cut = Array.ConvertAll(Cut(inputs, first, count), t => t.detach());
        Tensor[] fixedOnes = Array.ConvertAll(Constants(inputs), t => t.detach());
        Tensor state = before.detach().requires_grad_();
        int[] wanted = [.. Enumerable.Range(2, _inputs - 2).Where(i => gradients[i] is not null)];
        Tensor[] leaves = [state, .. wanted.Select(i => (i < constants ? cut[i - 2] : fixedOnes[i - constants]).requires_grad_())];
        (Tensor Y, Tensor State) result;
        using (enable_grad())
        {
            result = _body(cut, state, Ids(inputs[0], first, count), fixedOnes);
        }

        Tensor?[] g = dy is null
            ? autograd.grad([result.State], leaves, [dstate], allow_unused: true)
            : autograd.grad([result.Y, result.State], leaves, [dy.narrow(1, first, count), dstate], allow_unused: true);
        for (int j = 0; j < wanted.Length; j++)
        {
            if (g[j + 1] is { } own)
            {
                Tensor target = gradients[wanted[j]]!;
                _ = wanted[j] < constants ? target.narrow(1, first, count).copy_(own) : target.add_(own);
            }
        }

        return g[0] ?? zeros_like(state);
    }

    private Tensor[] Cut(Tensor?[] inputs, long first, long count) =>
        [.. Enumerable.Range(2, _sequences).Select(i => inputs[i]!.narrow(1, first, count))];

    private Tensor[] Constants(Tensor?[] inputs) => Array.ConvertAll(inputs[(2 + _sequences)..], t => t!);

    private static Tensor? Ids(Tensor? ids, long first, long count) => ids is null ? null : WithBefore(ids, first, count);

    private static Tensor WithBefore(Tensor ids, long first, long count) => first == 0
        ? cat([ids.narrow(1, 0, 1), ids.narrow(1, 0, count)], 1)
        : ids.narrow(1, first - 1, count + 1);
}
