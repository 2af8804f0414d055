using System.CommandLine;
using System.Text.Json.Nodes;
using GenoSeq.Cli.Console;
using GenoSeq.Inference.Generation;
using GenoSeq.Models;
using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using GenoSeq.Training.Benchmarks;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Cli.Commands.Bench;

/// <summary><c>genoseq bench decode</c>: the time of a step of generation, mixer by mixer, at positions far apart.</summary>
internal sealed class DecodeCommand
{
    // The others are stepped row by row from states that only reading makes.
    private static readonly MixerFamily[] s_families =
        [.. MixerFamilies.All.Where(f => f.Name is not (MixerFamilies.SharedAttention or MixerFamilies.DynamicChunking or "hyena"))];

    private readonly Option<string?> _json = BenchCommand.JsonOption();
    private readonly Option<string?> _mixers = new("--mixers") { Description = "Mixers, separated by commas [default: the recurrent ones]", HelpName = "NAMES" };
    private readonly Option<string> _positions = new("--positions") { Description = "Positions, separated by commas", DefaultValueFactory = _ => "1000,1000000", HelpName = "LIST" };
    private readonly Option<int> _dModel = new("--d-model") { Description = "Width of the models", DefaultValueFactory = _ => 256, HelpName = "N" };
    private readonly Option<int> _layers = new("--layers") { Description = "Their layers", DefaultValueFactory = _ => 4, HelpName = "N" };
    private readonly Option<int> _batch = new("--batch") { Description = "Sequences that are stepped together", DefaultValueFactory = _ => 1, HelpName = "N" };
    private readonly Option<int> _steps = new("--steps") { Description = "Timed steps", DefaultValueFactory = _ => 256, HelpName = "N" };
    private readonly Option<string> _device = new("--device") { Description = "cpu, cuda or cuda:N", DefaultValueFactory = _ => "cpu", HelpName = "DEVICE" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new DecodeCommand();
        Command verb = runner.Verb("decode", "Time of a step of generation at positions far apart, mixer by mixer", context => Task.FromResult(self.Run(context)));
        foreach (Option option in (Option[])[self._json, self._mixers, self._positions, self._dModel, self._layers, self._batch, self._steps, self._device])
        {
            verb.Add(option);
        }

        return verb.WithExample("genoseq bench decode --device cuda --json decode.json", "Every recurrent mixer at 1,000 and at 1,000,000")
            .WithExample("genoseq bench decode --mixers mamba,attention --positions 1000,32000", "Constant and growing side by side");
    }

    private int Run(CommandContext context)
    {
        MixerFamily[] families = Families(context.Parse.GetValue(_mixers));
        int[] positions = BenchCommand.Numbers("--positions", context.Parse.GetValue(_positions)!);
        int Positive(Option<int> option) => context.Parse.GetValue(option) is var n and >= 1 ? n
            : throw new ConfigException(new ConfigProblem(option.Name, $"{option.Name} is {context.Parse.GetValue(option)}", null, "1 or more", $"{option.Name} 1"));
        (int width, int layers, int rows, int steps) = (Positive(_dModel), Positive(_layers), Positive(_batch), Positive(_steps));
        Compute.Use(context);
        using var device = new BenchDevice(ComputeDevice.Require(context.Parse.GetValue(_device)!));
        var table = new ConsoleTable(["mixer", ">state bytes", .. positions.Select(p => $">us at {BenchCommand.Text(p, "N0")}"), ">last / first", "steps"]);
        var results = new JsonArray();
        foreach (MixerFamily family in families)
        {
            context.Stop.ThrowIfCancellationRequested();
            IReadOnlyList<DecodeTime> times = Measure(new ModelConfig { DModel = width, NLayer = layers, Layout = family.Name }, device.Device, rows, positions, steps);
            table.Add([family.Name, BenchCommand.Text(times[^1].StateBytes, "N0"), .. times.Select(t => BenchCommand.Text(t.Microseconds, "F1")),
                BenchCommand.Text(times[^1].Microseconds / times[0].Microseconds, "F3"), times[^1].Graph ? "graph" : "one by one"]);
            foreach (DecodeTime t in times)
            {
                results.Add((JsonNode)new JsonObject
                {
                    ["mixer"] = family.Name,
                    ["position"] = t.Position,
                    ["microseconds"] = Math.Round(t.Microseconds, 2),
                    ["state_bytes"] = t.StateBytes,
                    ["graph"] = t.Graph,
                });
            }
        }

        JsonObject report = BenchReport.Head("decode", AppVersion.Text, device, context.Options.Threads);
        report["model"] = new JsonObject { ["d_model"] = width, ["n_layer"] = layers, ["batch"] = rows, ["steps"] = steps };
        report["results"] = results;
        BenchCommand.Write(context, table, report, context.Parse.GetValue(_json));
        return ExitCodes.Ok;
    }

    private static IReadOnlyList<DecodeTime> Measure(ModelConfig config, Device device, int rows, int[] positions, int steps)
    {
        if (config.Validate().FirstOrDefault() is { } problem)
        {
            throw new ConfigException(new ConfigProblem("--d-model", problem, null, "a width that the mixer's defaults fit", "--d-model 256"));
        }

        using SequenceModel model = ModelFile.Create(config);
        model.to(device);
        model.eval();
        return DecodeBenchmark.Run(model, rows, positions, steps);
    }

    private static MixerFamily[] Families(string? names) => names is null
        ? [.. s_families.Where(f => f.Class != RecurrenceClass.Attention)]
        : [.. names.Split(',', StringSplitOptions.TrimEntries).Select(n => s_families.FirstOrDefault(f => f.Name == n)
            ?? throw new ConfigException(new ConfigProblem("--mixers", $"there is no mixer '{n}' with steps at any position", null,
                string.Join(", ", s_families.Select(f => f.Name)), "--mixers mamba2,retnet")))];
}
