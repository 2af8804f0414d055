using System.Diagnostics;
using Xunit.Abstractions;

namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>Feeds mutated inputs to a reader and holds it to three rules: no exception but InputDataException, no hang, no allocation far beyond the input.</summary>
internal static class FuzzDriver
{
    private const long AllowedBytes = 64L << 20;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    // A target reads an input in several ways, and catches what each refuses.
    [ThreadStatic]
    private static int t_refusals;

    static FuzzDriver() => AppDomain.CurrentDomain.FirstChanceException += (_, e) => t_refusals += e.Exception is InputDataException ? 1 : 0;

    /// <summary>What happened.</summary>
    internal sealed record Outcome(int Inputs, int Accepted, int Refused, double Seconds, double SlowestMs, long LargestAllocation);

    /// <summary>Runs <paramref name="inputs"/> mutations; fails the test at the first broken rule and keeps the input that broke it.</summary>
    internal static Outcome Run(FuzzTarget target, int seed, int first, int inputs, ITestOutputHelper output)
    {
        var mutator = new Mutator(target.Corpus(), seed, target.MaxLength);
        byte[] current = [];
        int number = first;
        long began = Stopwatch.GetTimestamp();
        Exception? broken = null;
        int accepted = 0;
        double slowest = 0;
        long largest = 0;
        bool done = false;
        long started = Stopwatch.GetTimestamp();
        var worker = new Thread(() =>
        {
            try
            {
                for (; number < first + inputs; number++)
                {
                    current = mutator.Make(number);
                    Volatile.Write(ref began, Stopwatch.GetTimestamp());
                    long before = GC.GetTotalAllocatedBytes();
                    t_refusals = 0;
                    try
                    {
                        target.Run(current);
                    }
                    catch (InputDataException e)
                    {
                        Assert.False(string.IsNullOrWhiteSpace(e.Message), "an error without words");
                    }
                    accepted += t_refusals == 0 ? 1 : 0;
                    long allocated = GC.GetTotalAllocatedBytes() - before;
                    slowest = Math.Max(slowest, Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                    largest = Math.Max(largest, allocated);
                    Assert.True(allocated <= AllowedBytes + current.Length, $"{allocated} bytes allocated for an input of {current.Length}");
                }
            }
#pragma warning disable CA1031 // What escapes is the finding.
            catch (Exception e)
#pragma warning restore CA1031
            {
                broken = e;
            }
            Volatile.Write(ref done, true);
        })
        {
            IsBackground = true,
        };
        worker.Start();
        while (!worker.Join(TimeSpan.FromSeconds(1)))
        {
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref began)) > s_limit && !Volatile.Read(ref done))
            {
                Assert.Fail($"{target.Name}: input {number} of seed {seed} hangs; kept as {Keep(target, seed, number, current)}");
            }
        }
        if (broken is not null)
        {
            Assert.Fail($"{target.Name}: input {number} of seed {seed} ({current.Length} bytes, kept as {Keep(target, seed, number, current)}): {broken}");
        }
        var outcome = new Outcome(inputs, accepted, inputs - accepted, Stopwatch.GetElapsedTime(started).TotalSeconds, slowest, largest);
        output.WriteLine(FormattableString.Invariant(
            $"{target.Name}: {inputs} inputs from {target.Corpus().Count} files, {accepted} accepted, {inputs - accepted} refused, {outcome.Seconds:F1} s, slowest {slowest:F1} ms, largest allocation {largest} bytes"));
        return outcome;
    }

    private static string Keep(FuzzTarget target, int seed, int number, byte[] data)
    {
        string folder = Path.Combine(Repository.Root, "artifacts", "fuzz");
        Directory.CreateDirectory(folder);
        string file = Path.Combine(folder, $"{target.Name}-{seed}-{number}.bin");
        File.WriteAllBytes(file, data);
        return file;
    }
}
