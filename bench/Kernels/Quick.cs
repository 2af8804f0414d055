using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using GenoSeq.Models.Kernels;

namespace GenoSeq.Benchmarks.Kernels;

/// <summary>Stopwatch timings of every kernel against limits measured in the same run.</summary>
internal static class Quick
{
    private const int Batch = 2;
    private const int Length = 4096;
    private const int Channels = 512;
    private const int States = 16;

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    public static int Run(ReadOnlySpan<string> args)
    {
        string? file = null;
        if (args.Length == 2 && args[0] == "--json") file = args[1];
        else if (args.Length > 0)
        {
            Console.Error.WriteLine("usage: quick [--json FILE]");
            return 2;
        }

        Console.WriteLine(Text($"path {KernelDispatch.Current}, {KernelThreads.Count} threads"));
        Timing fma = Measure(CoreLimit.FusedMultiplyAdds);
        Timing steps = Measure(CoreLimit.ScanSteps);
        Console.WriteLine(Text($"limit, registers only: {CoreLimit.LanesPerCall / fma.Seconds / 1e9:f1} G fused multiply-adds/s"));
        Console.WriteLine(Text(
            $"limit, registers only: {CoreLimit.LanesPerCall / steps.Seconds / 1e9:f2} G channel-states/s of one exp2 and three fused multiply-adds"));

        // The scan's limit: d_state inner steps per element. Backward repeats them and has nine more multiply-adds and a
        // reduction across lanes, for which no limit is claimed.
        double limitWall = CoreLimit.LanesPerCall / States / steps.Seconds;
        double limitCpu = CoreLimit.LanesPerCall / States / steps.CpuSeconds;
        var lines = new List<Line>();
        using (var scan = new ScanProblem(Batch, Length, Channels, States))
        {
            Timing forward = Measure(scan.Forward);
            Timing backward = Measure(scan.Backward);
            var both = new Timing(forward.Seconds + backward.Seconds, forward.CpuSeconds + backward.CpuSeconds);
            lines.Add(Line.Of("scan forward", scan.Elements, forward, 16, limitWall, limitCpu));
            lines.Add(Line.Of("scan backward", scan.Elements, backward, 28));
            lines.Add(Line.Of("scan forward + backward", scan.Elements, both, 44));
        }

        using (var rows = new RowProblems(Batch, Length, Channels))
        {
            lines.Add(Line.Of("conv forward", rows.Elements, Measure(rows.ConvForward), 8));
            lines.Add(Line.Of("conv backward", rows.Elements, Measure(rows.ConvBackward), 12));
            lines.Add(Line.Of("norm forward", rows.Elements, Measure(rows.NormForward), 16));
            lines.Add(Line.Of("norm backward", rows.Elements, Measure(rows.NormBackward), 16));
            lines.Add(Line.Of("swiglu forward", rows.Elements, Measure(rows.GateForward), 12));
            lines.Add(Line.Of("swiglu backward", rows.Elements, Measure(rows.GateBackward), 20));
            lines.Add(Line.Of("cross-entropy 16 forward", rows.Elements, Measure(rows.LossForward), 4));
            lines.Add(Line.Of("cross-entropy 16 backward", rows.Elements, Measure(rows.LossBackward), 8));
            lines.Add(Line.Of("copy (memory limit)", 2 * rows.Elements, Measure(rows.Copy), 8));
        }

        Console.WriteLine("best wall time; cpu time is the mean over all rounds, and the only one to trust on a busy machine");
        Console.WriteLine(Text($"{"kernel",-26}{"ms",9}{"cpu ms",9}{"M elem/s",10}{"GB/s",8}{"of limit",10}{"of limit by cpu",17}"));
        foreach (Line line in lines)
        {
            string wall = line.ShareOfLimit is { } share ? Text($"{share:p0}") : "";
            string cpu = line.ShareOfLimitByCpu is { } byCpu ? Text($"{byCpu:p0}") : "";
            Console.WriteLine(Text(
                $"{line.Kernel,-26}{line.Milliseconds,9:f2}{line.CpuMilliseconds,9:f2}{line.MegaElementsPerSecond,10:f0}{line.GigabytesPerSecond,8:f1}{wall,10}{cpu,17}"));
        }

        if (file is not null)
        {
            var report = new
            {
                Path = KernelDispatch.Current.ToString(),
                Threads = KernelThreads.Count,
                FusedMultiplyAddsPerSecond = CoreLimit.LanesPerCall / fma.Seconds,
                ScanStepsPerSecond = CoreLimit.LanesPerCall / steps.Seconds,
                Kernels = lines,
            };
            File.WriteAllText(file, JsonSerializer.Serialize(report, s_json));
        }

        return 0;
    }

    // The best of many short rounds, since other programs only ever add time; and the mean processor time of all of them.
    private static Timing Measure(Action action)
    {
        action();
        double best = double.PositiveInfinity;
        int rounds = 0;
        long begin = Stopwatch.GetTimestamp();
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        for (; rounds < 10 || Stopwatch.GetElapsedTime(begin).TotalSeconds < 1.5; rounds++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return new Timing(best, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds / rounds);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private readonly record struct Timing(double Seconds, double CpuSeconds);

    private sealed record Line(
        string Kernel,
        double Milliseconds,
        double CpuMilliseconds,
        double MegaElementsPerSecond,
        double GigabytesPerSecond,
        double? ShareOfLimit,
        double? ShareOfLimitByCpu)
    {
        public static Line Of(
            string kernel, long elements, Timing time, double bytesPerElement, double? limitWall = null, double? limitCpu = null) => new(
            kernel,
            time.Seconds * 1e3,
            time.CpuSeconds * 1e3,
            elements / time.Seconds / 1e6,
            elements * bytesPerElement / time.Seconds / 1e9,
            elements / time.Seconds / limitWall,
            elements / time.CpuSeconds / limitCpu);
    }
}
