using GenoSeq.Models;
using GenoSeq.Models.Streaming;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Streaming;

/// <summary>
/// States of sequences of any length in fixed memory, exactly: chunk by chunk, with what layers carry from chunk to chunk.
/// </summary>
/// <remarks>
/// A causal model goes once over the chunks with all its layers. A model that sees both sides goes layer by layer: a sweep over the
/// chunks computes a layer, and on each of its outputs takes the direction of the next layer that reads the same way ahead, so that
/// the next sweep, from the other end, has the states of that direction at every chunk and carries the other one along. So each
/// layer costs one reading and one writing of the residual stream, and one more pass of half its scans. Sequences go one after the
/// other then: what is kept between layers is one's.
/// </remarks>
internal sealed class SequenceStream
{
    /// <summary>Work of the first sweep, which takes one direction ahead; a layer's is 1.</summary>
    private const double PrepareShare = 0.4;

    private readonly SequenceModel _model;
    private readonly StreamOptions _options;
    private readonly StreamMemory _memory;

    internal SequenceStream(SequenceModel model, StreamOptions options)
    {
        (_model, _options, _memory) = (model, options, new StreamMemory(model, options));
    }

    /// <summary>Gets states of a chunk.</summary>
    /// <param name="layer">Number of layers.</param>
    /// <param name="row">Which sequence.</param>
    /// <param name="first">The chunk's first position.</param>
    /// <param name="states">[length, d_model], valid during the call only.</param>
    /// <param name="fromEnd">Chunks come from the last to the first.</param>
    internal delegate void Taker(int layer, int row, long first, Tensor states, bool fromEnd);

    /// <summary>Reads sequences of one length.</summary>
    /// <param name="ids">The ids, one row each; of equivariant models each is one strand in its own direction.</param>
    /// <param name="wanted">Numbers of layers, as in <see cref="SequenceModel.VisitStates"/>.</param>
    /// <param name="take">Gets the states.</param>
    /// <param name="progress">Told after each chunk which part of the work is done.</param>
    /// <param name="stop">Ends the work between two chunks.</param>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    internal void Run(byte[][] ids, IReadOnlyCollection<int> wanted, Taker take, Action<double>? progress, CancellationToken stop)
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int layers = wanted.Max();
        if (layers == 0 || !StreamedLayer.ReadsBothWays(_model, 0))
        {
            OneSweep(new Pass(ids, 0, Plan(ids), wanted, take, progress, stop), layers);
            return;
        }

        ChunkPlan plan = Plan(ids[..1]);
        // The last sweep goes from the first chunk to the last.
        bool fromEnd = layers % 2 == 0;
        using SumStore store = Store(plan, layers, fromEnd);
        for (int r = 0; r < ids.Length; r++)
        {
            int row = r;
            Sweeps(new Pass([ids[r]], r, plan, wanted, take, part => progress?.Invoke((row + part) / ids.Length), stop), store, layers, fromEnd);
        }
    }

    private ChunkPlan Plan(byte[][] ids) => new(ids[0].LongLength, _options.ChunkLength > 0 ? _options.ChunkLength : _memory.ChunkLength(ids.Length));

    private void OneSweep(Pass pass, int layers)
    {
        StreamedLayer[] stack = [.. Enumerable.Range(0, layers).Select(i => new StreamedLayer(_model, i, pass.Ids.Length))];
        try
        {
            for (int c = 0; c < pass.Plan.Count; c++)
            {
                pass.Stop.ThrowIfCancellationRequested();
                using DisposeScope scope = NewDisposeScope();
                Tensor sum = empty([pass.Ids.Length, pass.Plan.Size(c), _model.Config.DModel], _memory.StreamType, _model.Device);
                Embed(pass, c, sum);
                Give(pass, 0, c, sum, false);
                for (int i = 0; i < layers; i++)
                {
                    stack[i].Apply(sum, c, false);
                    Give(pass, i + 1, c, sum, false);
                }

                pass.Progress?.Invoke((c + 1.0) / pass.Plan.Count);
            }
        }
        finally
        {
            Array.ForEach(stack, l => l.Dispose());
        }
    }

    private void Sweeps(Pass pass, SumStore store, int layers, bool fromEnd)
    {
        StreamedLayer? layer = new(_model, 0, 1);
        StreamedLayer? next = null;
        try
        {
            Prepare(pass, layer, layers, !fromEnd);
            for (int i = 0; i < layers; i++, fromEnd = !fromEnd)
            {
                next = i + 1 < layers ? new StreamedLayer(_model, i + 1, 1) : null;
                Sweep(pass, store, i, layers, layer!, next, fromEnd);
                store.EndSweep();
                layer!.Dispose();
                (layer, next) = (next, null);
            }
        }
        finally
        {
            layer?.Dispose();
            next?.Dispose();
        }
    }

    private void Prepare(Pass pass, StreamedLayer layer, int layers, bool fromEnd)
    {
        int done = 0;
        foreach (int c in pass.Plan.Order(fromEnd))
        {
            pass.Stop.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            Tensor sum = empty([pass.Ids.Length, pass.Plan.Size(c), _model.Config.DModel], _memory.StreamType, _model.Device);
            Embed(pass, c, sum);
            Give(pass, 0, c, sum, fromEnd);
            layer.Prepare(sum, c, fromEnd);
            pass.Progress?.Invoke(PrepareShare * ++done / pass.Plan.Count / (layers + PrepareShare));
        }
    }

    private void Sweep(Pass pass, SumStore store, int index, int layers, StreamedLayer layer, StreamedLayer? next, bool fromEnd)
    {
        int[] order = [.. pass.Plan.Order(fromEnd)];
        for (int k = 0; k < order.Length; k++)
        {
            pass.Stop.ThrowIfCancellationRequested();
            int c = order[k];
            using DisposeScope scope = NewDisposeScope();
            Tensor sum = index == 0 ? store.New(c) : store.Take(c, k + 1 < order.Length ? order[k + 1] : null);
            if (index == 0)
            {
                Embed(pass, c, sum);
            }

            layer.Apply(sum, c, fromEnd);
            Give(pass, index + 1, c, sum, fromEnd);
            if (next is null)
            {
                sum.Dispose();
            }
            else
            {
                next.Prepare(sum, c, fromEnd);
                store.Put(c, sum);
            }

            pass.Progress?.Invoke((PrepareShare + index + ((k + 1.0) / order.Length)) / (layers + PrepareShare));
        }
    }

    private void Give(Pass pass, int layer, int chunk, Tensor sum, bool fromEnd)
    {
        if (pass.Wanted.Contains(layer))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor states = layer == _model.Layers.Count ? StreamedLayer.Finish(_model, sum) : sum;
            for (int r = 0; r < pass.Ids.Length; r++)
            {
                pass.Take(layer, pass.FirstRow + r, pass.Plan.First(chunk), states.select(0, r), fromEnd);
            }
        }
    }

    private void Embed(Pass pass, int chunk, Tensor sum)
    {
        using DisposeScope scope = NewDisposeScope();
        int count = pass.Plan.Size(chunk);
        int first = (int)pass.Plan.First(chunk);
        Tensor ids = empty([pass.Ids.Length, count], ScalarType.Byte);
        for (int r = 0; r < pass.Ids.Length; r++)
        {
            pass.Ids[r].AsSpan(first, count).CopyTo(ids.AsSpan<byte>().Slice(r * count, count));
        }

        StreamedLayer.Embed(_model, ids.to(_model.Device).to(int32), sum);
    }

    // Of one sequence.
    private SumStore Store(ChunkPlan plan, int layers, bool fromEnd)
    {
        ScalarType type = _memory.StreamType;
        int width = _model.Config.DModel;
        long left = Math.Max(0, _memory.Usable - (plan.Chunk * (_memory.WorkingBytes + (4 * _memory.StreamBytes))));
        if (layers == 1)
        {
            left = long.MaxValue / 2; // nothing is put
        }

        return _model.Device.Type == DeviceType.CUDA
            ? new DeviceSumStore(plan, width, type, _model.Device, left, HostBytes(), _options.Scratch, fromEnd)
            // The system keeps as much of a file in memory as there is room for, and gives it back when others need it.
            : new HostSumStore(plan, width, type, left >= plan.Length * _memory.StreamBytes ? left : 0, _options.Scratch);
    }

    private long HostBytes() => _options.HostLimit > 0 ? _options.HostLimit : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2;

    // Sequences side by side, of which the first is row FirstRow.
    private sealed record Pass(byte[][] Ids, int FirstRow, ChunkPlan Plan, IReadOnlyCollection<int> Wanted, Taker Take, Action<double>? Progress, CancellationToken Stop);
}
