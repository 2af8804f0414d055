using System.CommandLine;
using System.Text.Json.Nodes;
using GenoSeq.Cli.Console;
using GenoSeq.Training.Benchmarks;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Cli.Commands.Bench;

/// <summary><c>genoseq bench step</c>: whole training steps, or forward passes, on random bases.</summary>
internal sealed class StepCommand
{
    private readonly ConfigSource _source = new();
    private readonly Option<string?> _json = BenchCommand.JsonOption();
    private readonly Option<string?> _lengths = new("--lengths") { Description = "Window lengths, separated by commas [default: the configuration's]", HelpName = "LIST" };
    private readonly Option<string?> _batches = new("--batches") { Description = "Windows of a step: one number for all lengths, or one for each [default: the configuration's]", HelpName = "LIST" };
    private readonly Option<bool> _inference = new("--inference") { Description = "Forward passes to the hidden states, without gradients" };
    private readonly Option<int> _repeats = new("--repeats") { Description = "Steps that are timed, behind two that are not", DefaultValueFactory = _ => 5, HelpName = "N" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new StepCommand();
        Command verb = runner.Verb("step", "Time whole training steps on random bases, with their peak memory", context => Task.FromResult(self.Run(context)));
        self._source.AddTo(verb);
        foreach (Option option in (Option[])[self._json, self._lengths, self._batches, self._inference, self._repeats])
        {
            verb.Add(option);
        }

        return verb.WithExample("genoseq bench step --preset caduceus-ps-131k --device cuda train.precision=bf16 --lengths 1024,131072 --batches 128,1", "Short and long windows on a GPU")
            .WithExample("genoseq bench step -c configs/demo.yaml --inference", "Forward passes of a recipe's model");
    }

    private int Run(CommandContext context)
    {
        int repeats = BenchCommand.Numbers("--repeats", context.Parse.GetValue(_repeats).ToString(System.Globalization.CultureInfo.InvariantCulture))[0];
        RunConfig config = _source.ResolveModel(context);
        int[] lengths = context.Parse.GetValue(_lengths) is { } l ? BenchCommand.Numbers("--lengths", l) : [config.Data.ContextLength];
        int[] batches = context.Parse.GetValue(_batches) is { } b ? BenchCommand.Numbers("--batches", b)
            : [.. lengths.Select(n => (int)Math.Max(1, config.Train.GlobalBatchSize / n))];
        StepShape[] shapes = BenchCommand.Shapes(lengths, batches);
        Compute.Use(context);
        using var device = new BenchDevice(ComputeDevice.Require(config.Device));
        var settings = new StepSettings { Inference = context.Parse.GetValue(_inference), Repeats = repeats };
        var benchmark = new StepBenchmark(config, device, settings);
        var table = new ConsoleTable(">length", ">batch", ">ms", ">min", ">max", ">tokens/s", ">peak GiB", ">predicted", ">ratio", "memory plan");
        var results = new JsonArray();
        int failed = 0;
        foreach (StepShape shape in shapes)
        {
            context.Stop.ThrowIfCancellationRequested();
            StepResult r = benchmark.Run(shape);
            failed += r.Error is null ? 0 : 1;
            Add(table, r);
            results.Add((JsonNode)BenchReport.Of(r));
            context.Reporter.Detail($"{shape.Batch} x {shape.Length}: {r.Error ?? BenchCommand.Text(r.Time!.Median, "F1") + " ms"}");
        }

        JsonObject report = BenchReport.Head(settings.Inference ? "inference" : "step", AppVersion.Text, device, context.Options.Threads);
        report["model"] = Model(config);
        report["results"] = results;
        BenchCommand.Write(context, table, report, context.Parse.GetValue(_json));
        return failed == 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }

    internal static JsonObject Model(RunConfig config) => new()
    {
        ["name"] = config.Name,
        ["family"] = config.Model.Family(),
        ["d_model"] = config.Model.DModel,
        ["n_layer"] = config.Model.NLayer,
        ["precision"] = ConfigNames.ToKey(config.Train.Precision.ToString()),
        ["recompute"] = BenchReport.Name(config.Train.Recompute),
        ["micro_batch_size"] = config.Train.MicroBatchSize,
    };

    private static void Add(ConsoleTable table, StepResult r)
    {
        string T(double? x, string format) => BenchCommand.Text(x, format);
        table.Add(T(r.Shape.Length, "N0"), T(r.Shape.Batch, "N0"), r.Error is null ? T(r.Time!.Median, "F1") : "failed", T(r.Time?.Min, "F1"), T(r.Time?.Max, "F1"),
            T(r.TokensPerSecond, "N0"), BenchCommand.Gib(r.PeakBytes), BenchCommand.Gib(r.PredictedBytes), T(r.PredictedShare, "F2"), r.Error ?? r.Plan ?? "-");
    }
}
