using GenoSeq.Models.Memory;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using GenoSeq.Training.Engine;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>
/// Forward and backward passes as CUDA graphs, one for each shape of batch: a fine-tuning step is short, and launching its
/// kernels one by one takes longer than running them.
/// </summary>
/// <remarks>
/// Inputs are copied into tensors that the graph reads; gradients are added to those of <see cref="TunedParameters"/>, which
/// stay where they are. The graphs share one pool: a graph's results are read before another one runs.
/// </remarks>
internal sealed class TuningGraphs : IDisposable
{
    // Passes of a shape before it is captured: kernels are compiled and libraries initialised in them, and rare shapes never are.
    private const int WarmUp = 3;
    private const int MostGraphs = 6;

    // Of the free memory, what graphs may take: validation needs some beside them.
    private const double Share = 0.7;

    private readonly Func<TaskBatch, Tensor> _pass;
    private readonly Device _device;
    private readonly Action<string> _say;
    private readonly Dictionary<(long, long, bool), int> _seen = [];
    private readonly Dictionary<(long, long, bool), Captured> _graphs = [];
    private GraphPool? _pool;
    private bool _failed;

    private sealed record Captured(cuda.CUDAGraph Graph, TaskBatch Batch, Tensor Loss);

    private TuningGraphs(Func<TaskBatch, Tensor> pass, Device device, Action<string> say)
    {
        _pass = pass;
        _device = device;
        _say = say;
    }

    /// <summary>Graphs for a model's passes; null where there is no GPU, or not the memory.</summary>
    /// <param name="model">On its device.</param>
    /// <param name="batch">Rows of the largest pass.</param>
    /// <param name="length">Positions of the longest row.</param>
    /// <param name="pass">
    /// Adds a batch's gradients to those there are and returns its loss, without waiting for the device; the loss is
    /// the caller's, in the dispose scope at hand.
    /// </param>
    /// <param name="say">Is told when capturing fails, after which passes run as ever.</param>
    internal static TuningGraphs? For(TaskModel model, int batch, int length, Func<TaskBatch, Tensor> pass, Action<string> say)
    {
        Device device = model.Model.Device;
        if (device.Type != DeviceType.CUDA)
        {
            return null;
        }

        var shape = new PassShape(batch, length, model.Model.ComputeType == bfloat16 ? 2 : 4);
        long peak = TrainingMemory.Peak(model.Model.Config, model.Model.NumParameters, shape,
            TrainingMemory.Uniform(model.Model.Config, LayerMemory.KeepDense));
        return peak <= Share * MemoryPlanning.Here(device) ? new TuningGraphs(pass, device, say) : null;
    }

    /// <summary>Runs a pass, through a graph where there is one for its shape.</summary>
    /// <returns>Its loss, a scalar on the device.</returns>
    internal Tensor Run(TaskBatch batch)
    {
        (long, long, bool) shape = batch.Shape;
        if (!_graphs.TryGetValue(shape, out Captured? captured))
        {
            int seen = _seen[shape] = _seen.GetValueOrDefault(shape) + 1;
            if (_failed || seen <= WarmUp || _graphs.Count == MostGraphs || Capture(batch) is not { } made)
            {
                return _pass(batch);
            }

            captured = made;
            _graphs.Add(shape, made);
        }

        using IDisposable mode = no_grad();
        foreach ((Tensor to, Tensor from) in captured.Batch.Tensors().Zip(batch.Tensors()))
        {
            to.copy_(from);
        }

        captured.Graph.replay();
        return captured.Loss.clone();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Captured c in _graphs.Values)
        {
            Free(c.Graph, c.Batch);
            c.Loss.Dispose();
        }

        _graphs.Clear();
    }

    private Captured? Capture(TaskBatch batch)
    {
        TaskBatch inputs = batch.Keep();
        var graph = new cuda.CUDAGraph(Math.Max(_device.Index, 0));
        Tensor? loss = null;
        try
        {
            _pool ??= cuda.graph_pool_handle();
            cuda.graph(graph, () =>
            {
                using DisposeScope scope = NewDisposeScope();
                loss = _pass(inputs).DetachFromDisposeScope();
            }, _pool, CaptureErrorMode.ThreadLocal);
            return new Captured(graph, inputs, loss!);
        }
        catch (TorchException e)
        {
            loss?.Dispose();
            Free(graph, inputs);
            _failed = true;
            _say($"the step could not be captured as a CUDA graph and runs as before: {e.Message}");
            return null;
        }
    }

    private static void Free(cuda.CUDAGraph graph, TaskBatch batch)
    {
        graph.Dispose();
        foreach (Tensor t in batch.Tensors())
        {
            t.Dispose();
        }
    }
}
