using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;
using GenoSeq.Training.Checkpoints;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Runs;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>
/// Times whole steps of a configuration on random bases, by the trainer's own step: copy to the device, forward, loss,
/// backward, clipping, optimizer. Making the batches is not in the times.
/// </summary>
/// <param name="config">The model, the objective and how it is trained; its data are not read.</param>
/// <param name="device">Where.</param>
/// <param name="settings">How often, and what.</param>
public sealed class StepBenchmark(RunConfig config, BenchDevice device, StepSettings settings)
{
    private const int Batches = 2;

    /// <summary>Measures one shape; a shape that fails has its reason where its times would be.</summary>
    public StepResult Run(StepShape shape)
    {
        device.FreeMemory();
        try
        {
            using var genome = new RandomGenome((long)shape.Length * ((Batches * shape.Batch) + 2), (int)config.Seed);
            RunConfig run = Shaped(shape, genome.File);
            using var data = new TrainingData(run);
            using SequenceModel model = PretrainRun.CreateModel(run);
            Batch[] batches = Fill(data, shape.Batch);
            using PinnedBatches? pinned = device.IsCuda ? new PinnedBatches(batches) : null;
            return settings.Inference ? Inference(run, model, batches, shape) : Training(run, data, model, batches, shape, genome.Folder);
        }
        catch (TorchOutOfMemoryException)
        {
            return new StepResult(shape) { Error = "out of memory" };
        }
        catch (Exception e) when (e is TorchException or CudaKernelException or NotSupportedException or TrainingDivergedException)
        {
            return new StepResult(shape) { Error = e.Message.Split('\n')[0] };
        }
        finally
        {
            device.FreeMemory();
        }
    }

    private StepResult Training(RunConfig run, TrainingData data, SequenceModel model, Batch[] batches, StepShape shape, string scratch)
    {
        using var metrics = MetricsWriter.Create(Path.Combine(scratch, "metrics.jsonl"));
        using var trainer = new Trainer(run, data, model, new CheckpointStore(scratch, "", 1), metrics, new SilentObserver());
        model.train();
        (string Layers, long PeakBytes)? plan = trainer.Prepare(new LengthSchedule(run).Stages[^1]);
        int taken = 0;
        StepResult result = Measure(() => trainer.Step(batches[taken++ % batches.Length]), Math.Max(settings.Warmup, trainer.StepsToWarmUp), shape, model);
        return result with
        {
            PeakBytes = trainer.PeakBytes,
            Plan = plan?.Layers ?? (model.Recompute ? "recompute" : "keep all"),
            PredictedBytes = plan?.PeakBytes,
        };
    }

    private StepResult Inference(RunConfig run, SequenceModel model, Batch[] batches, StepShape shape)
    {
        using IDisposable mode = no_grad();
        model.eval();
        model.SetComputeType(run.Train.Precision == Precision.Bf16 ? bfloat16 : float32);
        int taken = 0;
        return Measure(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            model.ForwardHidden(BatchTensors.Of(batches[taken++ % batches.Length], 0, shape.Batch, model.Device).Inputs);
        }, settings.Warmup, shape, model);
    }

    private StepResult Measure(Action step, int warmup, StepShape shape, SequenceModel model)
    {
        for (int i = 0; i < warmup; i++)
        {
            step();
        }

        device.Synchronize();
        MemoryPlanning.ResetPeak(device.Device);
        DeviceSample? before = device.Sample();
        Timing time = device.Measure(step, 0, settings.Repeats, cold: false);
        return new StepResult(shape)
        {
            Parameters = model.NumParameters,
            Time = time,
            PeakBytes = MemoryPlanning.PeakBytes(device.Device),
            State = (before, device.Sample()),
        };
    }

    private static Batch[] Fill(TrainingData data, int windows)
    {
        var batches = new Batch[Batches];
        for (int i = 0; i < batches.Length; i++)
        {
            batches[i] = data.TrainBuilder.CreateBatch(windows);
            data.TrainBuilder.Fill(SampleRange.ForStep(i, windows), batches[i]);
        }

        return batches;
    }

    private RunConfig Shaped(StepShape shape, string genome)
    {
        int steps = settings.Warmup + settings.Repeats;
        return config with
        {
            Data = new DataConfig { Files = [genome], ContextLength = shape.Length, ValidationFraction = 0 },
            Train = config.Train with
            {
                Steps = steps,
                WarmupSteps = steps,
                GlobalBatchSize = shape.Tokens,
                LengthWarmup = new LengthWarmupConfig(),
            },
        };
    }

    private sealed class PinnedBatches(Batch[] batches) : IDisposable
    {
        private readonly PinnedPages[] _pages = Array.ConvertAll(batches, PinnedPages.Of);

        public void Dispose() => Array.ForEach(_pages, p => p.Dispose());
    }
}
