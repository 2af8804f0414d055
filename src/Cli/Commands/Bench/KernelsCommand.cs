using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Cli.Console;
using GenoSeq.Torch;
using GenoSeq.Training.Benchmarks;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Cli.Commands.Bench;

/// <summary><c>genoseq bench kernels</c>: every kernel against limits measured in the same run.</summary>
internal sealed class KernelsCommand
{
    private readonly Option<string> _device = new("--device") { Description = "Where", DefaultValueFactory = _ => "cpu", HelpName = "cpu|cuda|cuda:N" };
    private readonly Option<string?> _json = BenchCommand.JsonOption();
    private readonly Option<string?> _kernels = new("--kernels") { Description = $"Some of {string.Join(", ", KernelBenchmark.Names)} [default: all]", HelpName = "NAMES" };
    private readonly Option<int?> _length = new("--length") { Description = "Positions [default: the standard shapes]", HelpName = "N" };
    private readonly Option<int?> _batch = new("--batch") { Description = "Batch entries [default: the standard shapes]", HelpName = "N" };
    private readonly Option<int> _channels = new("--channels") { Description = "Channels of the scan, d_inner", DefaultValueFactory = _ => 512, HelpName = "N" };
    private readonly Option<string> _type = new("--type") { Description = "Activations on a GPU; the CPU's are fp32", DefaultValueFactory = _ => "bf16", HelpName = "bf16|fp32" };
    private readonly Option<bool> _quick = new("--quick") { Description = "Fewer shapes and repeats" };

    private KernelsCommand() => _type.AcceptOnlyFromAmong("bf16", "fp32");

    internal static Command Create(CommandRunner runner)
    {
        var self = new KernelsCommand();
        Command verb = runner.Verb("kernels", "Time every kernel, against limits measured in the same run", context => Task.FromResult(self.Run(context)));
        foreach (Option option in (Option[])[self._device, self._json, self._kernels, self._length, self._batch, self._channels, self._type, self._quick])
        {
            verb.Add(option);
        }

        return verb.WithExample("genoseq bench kernels --device cuda --json kernels.json", "All kernels on a GPU")
            .WithExample("genoseq bench kernels --kernels scan,conv --length 4096 --batch 2", "Two of the CPU's kernels at one shape");
    }

    private int Run(CommandContext context)
    {
        Compute.Use(context);
        BenchSettings settings = Settings(context);
        using var device = new BenchDevice(ComputeDevice.Require(context.Parse.GetValue(_device)!));
        var benchmark = new KernelBenchmark(device, settings);
        BenchLimits limits = BenchLimits.Measure(device, settings);
        context.Reporter.Info(string.Create(CultureInfo.InvariantCulture,
            $"{device.Name}: copy {limits.CopyBytesPerSecond / 1e9:F1} GB/s, matrix product {limits.MatmulFlops / 1e12:F3} TFLOP/s"));
        var table = new ConsoleTable("kernel", "pass", "shape", "type", ">ms", ">min", ">max", ">G/s", "of", ">GB/s", ">of copy", ">of exp", ">full", "bits");
        var results = new JsonArray();
        int failed = 0;
        foreach (KernelResult r in benchmark.Run(context.Stop))
        {
            Add(table, r, limits);
            results.Add((JsonNode)BenchReport.Of(r, limits));
            if (r.Error is not null)
            {
                failed++;
                context.Reporter.Warn($"{r.Kernel} {r.Pass} {r.Shape}: {r.Error}");
            }
            else
            {
                context.Reporter.Detail($"{r.Kernel} {r.Pass} {r.Shape}: {BenchCommand.Text(r.Time!.Median, "F3")} ms");
            }
        }

        JsonObject report = BenchReport.Head("kernels", AppVersion.Text, device, context.Options.Threads);
        report["limits"] = BenchReport.Of(limits);
        report["results"] = results;
        report["errors"] = new JsonArray([.. Errors(context, benchmark, ref failed).Select(e => (JsonNode)BenchReport.Of(e))]);
        BenchCommand.Write(context, table, report, context.Parse.GetValue(_json));
        return failed == 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static IReadOnlyList<KernelError> Errors(CommandContext context, KernelBenchmark benchmark, ref int failed)
    {
        try
        {
            IReadOnlyList<KernelError> errors = benchmark.Errors();
            if (errors.MaxBy(e => e.RelativeNorm) is { } worst)
            {
                context.Reporter.Info($"scan against the double precision reference: at most {BenchCommand.Text(worst.RelativeNorm, "0.0e+00")} ({worst.Quantity})");
            }

            return errors;
        }
        catch (TorchException e)
        {
            failed++;
            context.Reporter.Warn($"scan against the reference: {e.Message}");
            return [];
        }
    }

    private static void Add(ConsoleTable table, KernelResult r, BenchLimits limits)
    {
        string T(double? x, string format) => BenchCommand.Text(x, format);
        table.Add(r.Kernel, r.Pass, r.Shape, r.Type, r.Error is null ? T(r.Time!.Median, "F3") : "failed", T(r.Time?.Min, "F3"), T(r.Time?.Max, "F3"),
            T(r.GigaPerSecond, "G4"), r.Unit, T(r.Time?.PerSecond(r.Bytes) / 1e9, "F1"), T(r.ShareOfCopy(limits), "P0"),
            T(r.ShareOfExponentials(limits), "P0"), T(r.ResidentShare, "P0"), r.Repeatable switch { true => "same", false => "DIFFER", _ => "-" });
    }

    private BenchSettings Settings(CommandContext context)
    {
        string[] kernels = context.Parse.GetValue(_kernels)?.Split(',', StringSplitOptions.TrimEntries) ?? [];
        if (kernels.FirstOrDefault(k => !KernelBenchmark.Names.Contains(k)) is { } unknown)
        {
            throw new ConfigException(new ConfigProblem("--kernels", $"there is no kernel '{unknown}'", null, string.Join(", ", KernelBenchmark.Names), "--kernels scan,conv"));
        }

        foreach ((string name, int? value) in new[] { ("--length", context.Parse.GetValue(_length)), ("--batch", context.Parse.GetValue(_batch)), ("--channels", context.Parse.GetValue(_channels)) })
        {
            if (value is < 1)
            {
                throw new ConfigException(new ConfigProblem(name, $"must be positive, not {value}", null, "a positive whole number", $"{name} 1024"));
            }
        }

        int channels = context.Parse.GetValue(_channels);
        if (channels % 16 != 0)
        {
            throw new ConfigException(new ConfigProblem("--channels", $"must be a multiple of 16, not {channels}", null, "a multiple of 16", "--channels 512"));
        }

        return new BenchSettings
        {
            Length = context.Parse.GetValue(_length),
            Batch = context.Parse.GetValue(_batch),
            Channels = channels,
            Quick = context.Parse.GetValue(_quick),
            Type = context.Parse.GetValue(_type) == "fp32" ? ScalarType.Float32 : ScalarType.BFloat16,
            Kernels = kernels,
        };
    }
}
