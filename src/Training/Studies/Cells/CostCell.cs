using System.Globalization;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Benchmarks;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Training.Studies;

/// <summary>Speed and memory of a model against length: training steps, reading, generation.</summary>
/// <param name="settings">The cell's settings.</param>
/// <param name="seed">Seed of the weights.</param>
/// <param name="device">Where.</param>
/// <param name="decode">Times steps of generation; null: it is not measured.</param>
internal sealed class CostCell(StudyCellConfig settings, long seed, Device device, DecodeProbe? decode)
{
    private const double Gib = 1L << 30;

    /// <summary>Measures. What does not fit, or does not run, is not a number, and its reason is in the notes.</summary>
    internal (IReadOnlyList<StudyMeasurement> Measurements, IReadOnlyList<string> Notes) Run(CancellationToken stop)
    {
        var measured = new List<StudyMeasurement>();
        var notes = new List<string>();
        using var bench = new BenchDevice(device);
        RunConfig run = new()
        {
            Seed = seed,
            Device = device.ToString(),
            Model = settings.BuiltModel,
            Objective = settings.Objective,
            Train = new TrainConfig { Precision = settings.Train.Precision, Recompute = settings.Train.Recompute, CudaGraph = settings.Train.CudaGraph },
        };
        foreach (int length in settings.Cost.Lengths)
        {
            stop.ThrowIfCancellationRequested();
            int batch = (int)Math.Max(1, settings.Cost.StepTokens / length);
            Step(length, batch, inference: false, "train");
            stop.ThrowIfCancellationRequested();
            Step(length, 1, inference: true, "prefill");
        }

        if (decode is not null && settings.Cost.DecodeSteps > 0 && !settings.Model.Bidirectional)
        {
            Decode(run);
        }

        return (measured, notes);

        void Step(int length, int batch, bool inference, string what)
        {
            var step = new StepBenchmark(run, bench, new StepSettings { Repeats = settings.Cost.Repeats, Warmup = 1, Inference = inference });
            StepResult result = step.Run(new StepShape(length, batch));
            if (result.Error is { } error)
            {
                notes.Add(string.Create(CultureInfo.InvariantCulture, $"{what} at length {length}: {error}"));
            }

            Add($"{what}_tokens_per_s", result.TokensPerSecond ?? double.NaN, length);
            Add($"{what}_peak_gib", result.PeakBytes is { } peak ? peak / Gib : double.NaN, length);
        }

        void Decode(RunConfig config)
        {
            using SequenceModel model = PretrainRun.CreateModel(config);
            model.eval();
            if (settings.Train.Precision == Precision.Bf16)
            {
                model.SetComputeType(torch.bfloat16);
            }

            IReadOnlyList<int> lengths = settings.Cost.Lengths;
            IReadOnlyList<(double? Microseconds, long? StateBytes)> times = decode!(model, lengths, settings.Cost.DecodeSteps);
            for (int i = 0; i < lengths.Count; i++)
            {
                Add("decode_us", times[i].Microseconds ?? double.NaN, lengths[i]);
                Add("state_mib", times[i].StateBytes is { } bytes ? bytes / (double)(1 << 20) : double.NaN, lengths[i]);
            }
        }

        void Add(string metric, double value, int length) =>
            measured.Add(new StudyMeasurement(metric, value) { At = new Dictionary<string, string> { ["length"] = length.ToString(CultureInfo.InvariantCulture) } });
    }
}
