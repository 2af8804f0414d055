using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Distributed;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Engine;

/// <summary>
/// The forward and backward passes of a training step as one CUDA graph. A step of a small model is some hundred launches of
/// kernels that take a few microseconds each, less than a launch takes; replayed as a graph they follow each other at once.
/// </summary>
/// <remarks>
/// What changes from step to step lies in device memory: the batch, which is copied into the tensors that the graph reads, and
/// the weights. The loss is captured unscaled, and the optimizer divides the gradients by the step's weight. Gradients live in
/// the graph's memory and are overwritten by every replay, so nobody may clear them; with ranks they are in the buckets, which the
/// graph clears itself.
/// </remarks>
internal sealed class StepGraph : IDisposable
{
    // Elements of a layer's activations below which launches take longer than kernels.
    private const long SmallLayer = 1 << 22;

    // Kernels are compiled and libraries initialised in the first steps.
    private const int WarmUpSteps = 3;

    private readonly SequenceModel _model;
    private readonly int _micro;
    private readonly GradientBuckets? _buckets;
    private readonly List<LossTotals> _totals = [];
    private BatchTensors? _batch;
    private cuda.CUDAGraph? _graph;
    private int _steps;
    private bool _failed;

    private StepGraph(SequenceModel model, int micro, GradientBuckets? buckets)
    {
        _model = model;
        _micro = micro;
        _buckets = buckets;
    }

    /// <summary>A graph for a stage of training, or null where none is wanted.</summary>
    internal static StepGraph? For(RunConfig config, SequenceModel model, LengthStage stage, GradientBuckets? buckets = null)
    {
        long layer = (model.Config.RcEquivariant ? 2L : 1L) * stage.MicroBatch * stage.Length * model.Config.DModel;
        bool wanted = config.Train.CudaGraph == CudaGraphUse.On || (config.Train.CudaGraph == CudaGraphUse.Auto && layer <= SmallLayer);
        wanted &= model.Device.Type == DeviceType.CUDA && model.Context is null;
        buckets?.Overlap(!wanted);
        return wanted ? new StepGraph(model, stage.MicroBatch, buckets) : null;
    }

    /// <summary>True when this step goes through the graph: then gradients are those of the unscaled sum.</summary>
    internal bool Takes(Batch batch, Action<string> say)
    {
        if (_failed || batch.SequenceIds is not null || _steps++ < WarmUpSteps)
        {
            return false;
        }

        if (_graph is null)
        {
            try
            {
                Capture(batch);
            }
            catch (TorchException e)
            {
                Dispose();
                _failed = true;
                say($"the step could not be captured as a CUDA graph and runs as before: {e.Message}");
                return false;
            }
        }

        if (batch.Count == _batch!.Inputs.size(0) && batch.Length == _batch.Inputs.size(1))
        {
            return true;
        }

        // A batch of another shape: its gradients must not be added to those in the graph's memory.
        Dispose();
        _failed = true;
        return false;
    }

    /// <summary>Runs the passes; the totals are those of this batch until the next run.</summary>
    internal IReadOnlyList<LossTotals> Run(Batch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Fill(batch);
        _graph!.replay();
        return [.. _totals.Select(t => new LossTotals(t.Sum, t.Numbers!))];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Clear();
        foreach (LossTotals t in _totals)
        {
            t.Sum.Dispose();
            t.Numbers?.Dispose();
        }

        _totals.Clear();
        _graph?.Dispose();
        _graph = null;
        _batch?.Inputs.Dispose();
        _batch?.Labels.Dispose();
        _batch?.Weights?.Dispose();
    }

    private void Capture(Batch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        Device device = _model.Device;
        long[] shape = [batch.Count, batch.Length];
        _batch = new BatchTensors(zeros(shape, int32, device).DetachFromDisposeScope(), zeros(shape, int32, device).DetachFromDisposeScope(),
            batch.Weights is null ? null : zeros(shape, float32, device).DetachFromDisposeScope(), null);
        Fill(batch);
        Clear();
        _graph = new cuda.CUDAGraph(Math.Max(device.Index, 0));
        cuda.graph(_graph, Passes, capture_error_mode: CaptureErrorMode.ThreadLocal);
    }

    // Gradients in buckets stay where they are.
    private void Clear()
    {
        if (_buckets is null)
        {
            _model.zero_grad();
        }
    }

    private void Passes()
    {
        _buckets?.Zero();
        long count = _batch!.Inputs.size(0);
        for (long first = 0; first < count; first += _micro)
        {
            using DisposeScope scope = NewDisposeScope();
            long rows = Math.Min(_micro, count - first);
            Tensor Part(Tensor t) => t.narrow(0, first, rows);
            LossTotals part = _model.Loss(Part(_batch.Inputs), Part(_batch.Labels), _batch.Weights is null ? null : Part(_batch.Weights));
            part.Sum.backward();
            _totals.Add(new LossTotals(part.Sum.detach().DetachFromDisposeScope(), part.Numbers!.DetachFromDisposeScope()));
        }
    }

    private void Fill(Batch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        BatchTensors fresh = BatchTensors.Of(batch, 0, batch.Count, _model.Device);
        _batch!.Inputs.copy_(fresh.Inputs);
        _batch.Labels.copy_(fresh.Labels);
        _batch.Weights?.copy_(fresh.Weights!);
    }
}
