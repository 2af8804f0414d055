using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Training.Benchmarks;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Cli.Commands.Bench;

/// <summary><c>genoseq bench scaling</c>: what many GPUs would do, from steps measured on one.</summary>
internal sealed class ScalingCommand
{
    private readonly Argument<string> _steps = new("steps") { Description = "JSON of `genoseq bench step`", HelpName = "FILE" };
    private readonly Option<string> _gpus = new("--gpus") { Description = "Numbers of GPUs, separated by commas", DefaultValueFactory = _ => "8,64,512", HelpName = "LIST" };
    private readonly Option<int> _perHost = new("--per-host") { Description = "GPUs of a host", DefaultValueFactory = _ => 8, HelpName = "N" };
    private readonly Option<string> _networks = new("--networks") { Description = "Gb/s between hosts, separated by commas", DefaultValueFactory = _ => "100,400", HelpName = "LIST" };
    private readonly Option<double> _nvlink = new("--nvlink") { Description = "GB/s each way of a GPU inside a host", DefaultValueFactory = _ => 450, HelpName = "GB/s" };
    private readonly Option<double> _utilisation = new("--utilisation") { Description = "Share of a link's rate that collectives reach", DefaultValueFactory = _ => 0.8, HelpName = "X" };
    private readonly Option<double> _overlap = new("--overlap") { Description = "Share of a step behind which sums can hide", DefaultValueFactory = _ => 0.6, HelpName = "X" };
    private readonly Option<double> _join = new("--join-ms") { Description = "Milliseconds that each doubling of the GPUs adds to a step", DefaultValueFactory = _ => 3.5, HelpName = "X" };
    private readonly Option<double> _bucket = new("--bucket-mib") { Description = "MiB of gradients summed at once", DefaultValueFactory = _ => 25, HelpName = "X" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new ScalingCommand();
        Command verb = runner.Verb("scaling", "What many GPUs would do, modelled from steps measured on one", context => Task.FromResult(self.Run(context)));
        verb.Add(self._steps);
        foreach (Option option in (Option[])[self._gpus, self._perHost, self._networks, self._nvlink, self._utilisation, self._overlap, self._join, self._bucket])
        {
            verb.Add(option);
        }

        return verb.WithExample("genoseq bench scaling bench/results/h100/step-caduceus-ps.json", "8, 64 and 512 GPUs over NVLink, 100 and 400 Gb/s")
            .WithExample("genoseq bench scaling step.json --gpus 16,128 --networks 200 --utilisation 0.6", "Other machines, and a slower library");
    }

    private int Run(CommandContext context)
    {
        string file = context.Parse.GetValue(_steps)!;
        int[] gpus = BenchCommand.Numbers("--gpus", context.Parse.GetValue(_gpus)!);
        int[] networks = BenchCommand.Numbers("--networks", context.Parse.GetValue(_networks)!);
        foreach ((Option<double> option, double most) in new[] { (_nvlink, 1e6), (_utilisation, 1), (_overlap, 1), (_bucket, 1e6) })
        {
            if (context.Parse.GetValue(option) is not (> 0 and var x) || x > most)
            {
                throw new ConfigException(new ConfigProblem(option.Name, "is out of range", null,
                    string.Create(CultureInfo.InvariantCulture, $"a number above 0, at most {most}"), null));
            }
        }

        if (context.Parse.GetValue(_join) is not (>= 0 and < 1e6))
        {
            throw new ConfigException(new ConfigProblem("--join-ms", "is out of range", null, "a number from 0", null));
        }

        if (context.Parse.GetValue(_perHost) < 1)
        {
            throw new ConfigException(new ConfigProblem("--per-host", "is out of range", null, "1 or more", null));
        }

        var table = new ConsoleTable("model", ">length", ">step ms", "network", ">GPUs", ">sums ms", ">not hidden ms", ">straggler ms", ">join ms", ">efficiency");
        foreach ((string name, long length, ScalingModel step) in Steps(file))
        {
            ScalingModel model = step with
            {
                Inside = step.Inside with { GigabytesPerSecond = context.Parse.GetValue(_nvlink) },
                Utilisation = context.Parse.GetValue(_utilisation),
                Overlap = context.Parse.GetValue(_overlap),
                JoinMs = context.Parse.GetValue(_join),
                BucketBytes = context.Parse.GetValue(_bucket) * (1 << 20),
            };
            // NVLink alone is a host, or a cabinet whose switches join them all.
            IEnumerable<ScalingModel> machines = networks
                .Select(n => model with { GpusPerHost = context.Parse.GetValue(_perHost), Between = model.Between with { Name = $"{n} Gb/s", GigabytesPerSecond = n / 8.0 } })
                .Prepend(model with { GpusPerHost = int.MaxValue, Between = model.Inside });
            foreach (ScalingModel machine in machines)
            {
                foreach (ScalingPrediction p in gpus.Select(machine.At))
                {
                    string T(double x, string format) => BenchCommand.Text(x, format);
                    table.Add(name, T(length, "N0"), T(machine.StepMs, "F1"), machine.Between.Name, T(p.Gpus, "N0"), T(p.ReduceMs, "F2"), T(p.ExposedMs, "F2"),
                        T(p.StragglerMs, "F2"), T(p.JoinMs, "F2"), T(100 * p.Efficiency, "F1") + " %");
                }
            }
        }

        table.WriteToOut(context.Streams);
        return ExitCodes.Ok;
    }

    private static List<(string Name, long Length, ScalingModel Model)> Steps(string file)
    {
        var steps = new List<(string, long, ScalingModel)>();
        try
        {
            JsonNode report = JsonNode.Parse(File.ReadAllText(file))!;
            string name = report["model"]?["name"]?.GetValue<string>() ?? "model";
            foreach (JsonNode? r in report["results"]!.AsArray())
            {
                if (r?["median_ms"] is not { } median)
                {
                    continue;
                }

                steps.Add((name, r["length"]!.GetValue<long>(), new ScalingModel
                {
                    StepMs = median.GetValue<double>(),
                    Parameters = r["parameters"]!.GetValue<long>(),
                    SpreadMs = ScalingModel.SpreadOf(r["max_ms"]!.GetValue<double>() - r["min_ms"]!.GetValue<double>(), r["runs"]!.GetValue<int>()),
                }));
            }
        }
        catch (Exception e) when (e is JsonException or NullReferenceException or InvalidOperationException or FormatException)
        {
            throw Wrong(file);
        }

        return steps.Count > 0 ? steps : throw Wrong(file);
    }

    private static InputDataException Wrong(string file) =>
        new("there are no times of steps in it", file, "what `genoseq bench step --json FILE` writes", "genoseq bench step --help");
}
