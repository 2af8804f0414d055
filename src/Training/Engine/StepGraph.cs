using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Distributed;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Engine;

/// <summary>
/// The forward and backward passes of a training step as one CUDA graph: replayed, kernels follow each other at once. A small
/// model's are shorter than their launches take, and a large one's still lose some microseconds between them.
/// </summary>
/// <remarks>
/// What changes from step to step lies in device memory: the batch, which is copied into the tensors that the graph reads, and
/// the weights. The loss is captured unscaled, and the optimizer divides the gradients by the step's weight. Gradients live in
/// the graph's memory and are overwritten by every replay, so nobody may clear them; with ranks they are in the buckets, which the
/// graph clears itself.
/// </remarks>
internal sealed class StepGraph : IDisposable
{
    // With several processes: elements of a layer's activations below which a graph gains more than sums of gradients that
    // overlap with the backward pass, which a graph does without.
    private const long SmallLayer = 1 << 22;

    // Of the memory that is there, what a graph may hold: validations, and steps of other shapes, need some beside it.
    private const double Share = 0.7;

    /// <summary>Steps taken without the graph first: kernels are compiled and libraries initialised in them.</summary>
    internal const int WarmUpSteps = 3;

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
    /// <param name="config">Says whether.</param>
    /// <param name="model">On its device.</param>
    /// <param name="stage">Shape of the steps.</param>
    /// <param name="peakBytes">Memory that a step is expected to take: the graph holds it from its capture on.</param>
    /// <param name="buckets">Gradients of several processes; null for one.</param>
    internal static StepGraph? For(RunConfig config, SequenceModel model, LengthStage stage, long? peakBytes, GradientBuckets? buckets)
    {
        long layer = (model.Config.RcEquivariant ? 2L : 1L) * stage.MicroBatch * stage.Length * model.Config.DModel;
        bool wanted = config.Train.CudaGraph switch
        {
            _ when peakBytes is null || model.Context is not null => false,
            CudaGraphUse.Auto => peakBytes <= Share * MemoryPlanning.Available(config, model.Device) && (buckets is null || layer <= SmallLayer),
            CudaGraphUse.On => true,
            _ => false,
        };
        buckets?.Overlap(!wanted && !model.SharesWeights);
        return wanted ? new StepGraph(model, stage.MicroBatch, buckets) : null;
    }

    /// <summary>Largest memory of the device's tensors while the graph was captured, which the graph holds; 0 before.</summary>
    internal long PeakBytes { get; private set; }

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
        long before = MemoryPlanning.PeakBytes(device);
        cuda.reset_peak_memory_stats(device.Index);
        cuda.graph(_graph, Passes, capture_error_mode: CaptureErrorMode.ThreadLocal);
        PeakBytes = Math.Max(before, MemoryPlanning.PeakBytes(device));
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
