using System.CommandLine;
using System.Text.Json.Nodes;
using GenoSeq.Cli.Console;
using GenoSeq.Training.Benchmarks;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Cli.Commands.Bench;

/// <summary><c>genoseq bench memory</c>: the memory of training by length and policy, predicted and measured.</summary>
internal sealed class MemoryCommand
{
    private static readonly Dictionary<string, Recompute> s_policies = Enum.GetValues<Recompute>().ToDictionary(BenchReport.Name);

    private readonly ConfigSource _source = new();
    private readonly Option<string?> _json = BenchCommand.JsonOption();
    private readonly Option<string> _lengths = new("--lengths") { Description = "Window lengths, separated by commas", DefaultValueFactory = _ => "1024,8192,131072,1048576", HelpName = "LIST" };
    private readonly Option<string> _batches = new("--batches") { Description = "Windows of a step: one number for all lengths, or one for each", DefaultValueFactory = _ => "1", HelpName = "LIST" };
    private readonly Option<string?> _policies = new("--policies") { Description = "Values of train.recompute, separated by commas [default: all]", HelpName = "LIST" };
    private readonly Option<bool> _measure = new("--measure") { Description = "Take two steps of each on the device" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new MemoryCommand();
        Command verb = runner.Verb("memory", "Peak memory of training on a GPU by length and policy, predicted and measured", context => Task.FromResult(self.Run(context)));
        self._source.AddTo(verb);
        foreach (Option option in (Option[])[self._json, self._lengths, self._batches, self._policies, self._measure])
        {
            verb.Add(option);
        }

        return verb.WithExample("genoseq bench memory --preset caduceus-ps-131k train.precision=bf16", "What fits on a GPU, without one")
            .WithExample("genoseq bench memory --preset caduceus-ps-131k train.precision=bf16 --device cuda --lengths 131072 --policies layer,layer_time --measure", "Predicted and measured");
    }

    private int Run(CommandContext context)
    {
        RunConfig config = _source.ResolveModel(context);
        StepShape[] shapes = BenchCommand.Shapes(BenchCommand.Numbers("--lengths", context.Parse.GetValue(_lengths)!), BenchCommand.Numbers("--batches", context.Parse.GetValue(_batches)!));
        Recompute[] policies = Policies(context.Parse.GetValue(_policies));
        Compute.Use(context);
        using var device = new BenchDevice(ComputeDevice.Require(config.Device));
        var benchmark = new MemoryBenchmark(config, device);
        bool measure = context.Parse.GetValue(_measure);
        var table = new ConsoleTable([">length", ">batch", "policy", ">predicted GiB", .. measure ? [">measured", ">ratio"] : Array.Empty<string>(), "memory plan"]);
        var results = new JsonArray();
        foreach ((StepShape shape, Recompute policy) in shapes.SelectMany(s => policies.Select(p => (s, p))))
        {
            context.Stop.ThrowIfCancellationRequested();
            MemoryResult r = benchmark.Run(shape, policy, measure);
            string T(double? x, string format) => BenchCommand.Text(x, format);
            string[] measured = measure ? [r.Measured!.Error ?? BenchCommand.Gib(r.Measured.PeakBytes), T(r.PredictedBytes / (double?)r.Measured.PeakBytes, "F2")] : [];
            table.Add([T(shape.Length, "N0"), T(shape.Batch, "N0"), BenchReport.Name(policy), BenchCommand.Gib(r.PredictedBytes), .. measured, r.Plan]);
            results.Add((JsonNode)BenchReport.Of(r));
        }

        JsonObject report = BenchReport.Head("memory", AppVersion.Text, device, context.Options.Threads);
        report["model"] = StepCommand.Model(config);
        report["results"] = results;
        BenchCommand.Write(context, table, report, context.Parse.GetValue(_json));
        return ExitCodes.Ok;
    }

    private static Recompute[] Policies(string? text) => text is null ? [.. s_policies.Values]
        : [.. text.Split(',', StringSplitOptions.TrimEntries).Select(word => s_policies.TryGetValue(word, out Recompute policy) ? policy
            : throw new ConfigException(new ConfigProblem("--policies", $"there is no policy '{word}'", null, string.Join(", ", s_policies.Keys), "--policies layer,layer_time")))];
}
