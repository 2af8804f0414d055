using System.Globalization;
using GenoSeq.Models;
using GenoSeq.Models.Memory;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Runs;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Engine;

/// <summary>What each layer of a model on a GPU keeps, by the configuration and the memory that is there.</summary>
public static class MemoryPlanning
{
    // Of the free memory; the rest is fragments and what other programs take meanwhile.
    private const double Share = 0.94;

    /// <summary>The plan of a stage of training.</summary>
    /// <param name="config">The run.</param>
    /// <param name="model">On its device.</param>
    /// <param name="microBatch">Windows in one forward and backward pass.</param>
    /// <param name="length">Positions of a window.</param>
    public static LayerMemory[] For(RunConfig config, SequenceModel model, int microBatch, int length)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(model);
        ModelConfig m = model.Config;
        return config.Train.Recompute switch
        {
            // Layers whose positions are divided among ranks run in time chunks.
            _ when model.Context is not null => TrainingMemory.Uniform(m, LayerMemory.RecomputeTime),
            Recompute.None => TrainingMemory.Uniform(m, LayerMemory.KeepAll),
            Recompute.Scan => TrainingMemory.Uniform(m, LayerMemory.KeepScan),
            Recompute.Rows => TrainingMemory.Uniform(m, LayerMemory.KeepRows),
            Recompute.Layer => TrainingMemory.Uniform(m, LayerMemory.Recompute),
            Recompute.LayerTime => TrainingMemory.Uniform(m, LayerMemory.RecomputeTime),
            _ => TrainingMemory.Choose(m, model.NumParameters, Shape(config, microBatch, length), Available(config, model.Device)),
        };
    }

    /// <summary>Shape of a pass of this run.</summary>
    public static PassShape Shape(RunConfig config, int microBatch, int length)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new PassShape(microBatch, length, config.Train.Precision == Precision.Bf16 ? 2 : 4);
    }

    /// <summary>Peak bytes so far: of the device's tensors, or of the process where there is no GPU.</summary>
    public static long PeakBytes(Device device) =>
        device.Type == DeviceType.CUDA ? cuda.memory_stats(device.Index).PeakAllocated : ProcessUsage.Read().PeakBytes;

    /// <summary>Begins the count of <see cref="PeakBytes"/> anew.</summary>
    internal static void ResetPeak(Device device)
    {
        if (device.Type == DeviceType.CUDA)
        {
            cuda.reset_peak_memory_stats(device.Index);
            return;
        }

        try
        {
            // Starts the high-water mark of resident memory anew; see proc(5).
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The mark stays: the peak is the process's so far.
        }
    }

    /// <summary>Sets what the layers keep in a stage, and says so; null where the device has no kernels.</summary>
    internal static (string Layers, long PeakBytes)? Apply(RunConfig config, SequenceModel model, LengthStage stage)
    {
        if (model.Device.Type != DeviceType.CUDA)
        {
            return null;
        }

        int length = model.Context?.Part(stage.Length).Count ?? stage.Length;
        LayerMemory[] plan = For(config, model, stage.MicroBatch, length);
        model.SetMemory(plan);
        return (TrainingMemory.Describe(plan),
            TrainingMemory.Peak(model.Config, model.NumParameters, Shape(config, stage.MicroBatch, length), plan));
    }

    /// <summary>Environment variable: how many processes share each GPU; none takes more than its part. Absent: this one alone.</summary>
    public const string ProcessesVariable = "GENOSEQ_GPU_PROCESSES";

    /// <summary>Processes that share this one's GPU, itself included.</summary>
    internal static int Processes => int.TryParse(Environment.GetEnvironmentVariable(ProcessesVariable), CultureInfo.InvariantCulture, out int n) ? Math.Max(n, 1) : 1;

    /// <summary>Bytes of a GPU that are free or this process's already, up to its part.</summary>
    internal static long Here(Device device)
    {
        CudaMemoryStatistics m = cuda.memory_stats(device.Index);
        return Math.Min(m.Free + m.Reserved, m.Total / Processes);
    }

    /// <summary>Bytes that training may take: what is free and what this process has already, up to its part and the configured limit.</summary>
    internal static long Available(RunConfig config, Device device)
    {
        long here = (long)(Share * Here(device));
        return config.Train.MemoryLimitGib > 0 ? Math.Min(here, (long)(config.Train.MemoryLimitGib * (1L << 30))) : here;
    }
}
