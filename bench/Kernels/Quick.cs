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

        double fma = CoreLimit.FusedMultiplyAdds();
        double steps = CoreLimit.ScanSteps();
        Console.WriteLine(Text($"path {KernelDispatch.Current}, {KernelThreads.Count} threads"));
        Console.WriteLine(Text($"limit, registers only: {fma / 1e9:f1} G fused multiply-adds/s, {steps / 1e9:f2} G exp2 + 3 fma channel-states/s"));
        var lines = new List<Line>();
        using (var scan = new ScanProblem(Batch, Length, Channels, States))
        {
            double forward = Best(scan.Forward);
            double backward = Best(scan.Backward);
            lines.Add(new Line("scan forward", scan.Elements, forward, 16, steps / States));
            lines.Add(new Line("scan backward", scan.Elements, backward, 28, null));
            lines.Add(new Line("scan forward + backward", scan.Elements, forward + backward, 44, null));
        }

        using (var rows = new RowProblems(Batch, Length, Channels))
        {
            lines.Add(new Line("conv forward", rows.Elements, Best(rows.ConvForward), 8, null));
            lines.Add(new Line("conv backward", rows.Elements, Best(rows.ConvBackward), 12, null));
            lines.Add(new Line("norm forward", rows.Elements, Best(rows.NormForward), 16, null));
            lines.Add(new Line("norm backward", rows.Elements, Best(rows.NormBackward), 16, null));
            lines.Add(new Line("swiglu forward", rows.Elements, Best(rows.GateForward), 12, null));
            lines.Add(new Line("swiglu backward", rows.Elements, Best(rows.GateBackward), 20, null));
            lines.Add(new Line("cross-entropy 16 forward", rows.Elements, Best(rows.LossForward), 4, null));
            lines.Add(new Line("cross-entropy 16 backward", rows.Elements, Best(rows.LossBackward), 8, null));
            lines.Add(new Line("copy (memory limit)", 2 * rows.Elements, Best(rows.Copy), 8, null));
        }

        Console.WriteLine(Text($"{"kernel",-28}{"ms",10}{"M elements/s",16}{"GB/s",10}{"of limit",10}"));
        foreach (Line line in lines)
        {
            string share = line.LimitElementsPerSecond is { } limit ? Text($"{line.ElementsPerSecond / limit:p0}") : "";
            Console.WriteLine(Text(
                $"{line.Kernel,-28}{line.Seconds * 1e3,10:f2}{line.ElementsPerSecond / 1e6,16:f0}{line.BytesPerSecond / 1e9,10:f1}{share,10}"));
        }

        if (file is not null)
        {
            var report = new { Path = KernelDispatch.Current.ToString(), Threads = KernelThreads.Count, FusedMultiplyAdds = fma, ScanSteps = steps, Kernels = lines };
            File.WriteAllText(file, JsonSerializer.Serialize(report, s_json));
        }

        return 0;
    }

    // The best of many short rounds: other programs only ever add time.
    private static double Best(Action action)
    {
        double best = double.PositiveInfinity;
        long end = Stopwatch.GetTimestamp() + (Stopwatch.Frequency * 3 / 2);
        for (int round = 0; round < 5 || Stopwatch.GetTimestamp() < end; round++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private sealed record Line(string Kernel, long Elements, double Seconds, double BytesPerElement, double? LimitElementsPerSecond)
    {
        public double ElementsPerSecond => Elements / Seconds;

        public double BytesPerSecond => Elements * BytesPerElement / Seconds;
    }
}
