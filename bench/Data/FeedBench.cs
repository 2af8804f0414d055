using System.Diagnostics;
using System.Text.Json.Nodes;
using GenoSeq.Data;

namespace GenoSeq.Benchmarks.Data;

/// <summary>
/// A consumer that takes a batch of 1,048,576 tokens every 50 ms, as a fast GPU would: how much of the time it waits. Then one
/// that takes them as fast as they come.
/// </summary>
internal static class FeedBench
{
    private const int Length = 131_072;
    private const int Windows = 8;
    private const int PacedSteps = 200;
    private const int FreeSteps = 400;
    private const double StepMilliseconds = 50;

    internal static int Run(string[] args)
    {
        if (DataBenchOptions.Parse(args, "feed") is not { } options)
        {
            return 2;
        }

        using GenomeSource genome = options.Open();
        var sampler = new WindowSampler(genome, genome.WholeContigs(), new WindowSamplerOptions { Length = Length });
        var runs = new JsonArray();
        options.Say($"{"objective",-12}{"pace ms",9}{"steps",7}{"wait share",12}{"mean ms",9}{"max ms",9}{"M tokens/s",12}{"CPU share",11}");
        foreach (ObjectiveKind kind in (ObjectiveKind[])[ObjectiveKind.Mlm, ObjectiveKind.Causal])
        {
            var builder = new BatchBuilder(genome, sampler, Alphabet.Caduceus, new ObjectiveOptions { Kind = kind });
            foreach (double pace in (double[])[StepMilliseconds, 0])
            {
                runs.Add((JsonNode)Consume(options, builder, kind, pace, pace > 0 ? PacedSteps : FreeSteps));
            }
        }

        options.Write(new JsonObject
        {
            ["benchmark"] = "feed",
            ["threads"] = Environment.ProcessorCount,
            ["tokens_per_batch"] = Length * Windows,
            ["runs"] = runs,
        });
        return 0;
    }

    private static JsonObject Consume(DataBenchOptions options, BatchBuilder builder, ObjectiveKind kind, double pace, int steps)
    {
        using var feed = new BatchPrefetcher(builder, s => SampleRange.ForStep(s, Windows), Windows, endStep: steps + 1,
            options: new BatchPrefetcherOptions { Capacity = 2 });

        // The first batch is start-up, compilation included: a training step of seconds stands beside it.
        feed.TryNext(out _);
        TimeSpan before = feed.TotalWait;
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        double longest = 0;
        long begun = Stopwatch.GetTimestamp();
        for (int step = 0; step < steps; step++)
        {
            // A device computes from the moment it has its batch.
            double busyUntil = Stopwatch.GetElapsedTime(begun).TotalMilliseconds + pace;
            while (pace > 0 && busyUntil - Stopwatch.GetElapsedTime(begun).TotalMilliseconds is > 0 and double left)
            {
                Thread.Sleep(TimeSpan.FromMilliseconds(left));
            }

            if (!feed.TryNext(out _))
            {
                throw new InvalidOperationException("the batches ended before the steps did");
            }

            longest = Math.Max(longest, feed.LastWait.TotalMilliseconds);
        }

        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        double waited = (feed.TotalWait - before).TotalSeconds;
        double cpuShare = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds / seconds;
        double rate = (double)steps * Windows * Length / seconds;
        options.Say($"{kind.ToString().ToLowerInvariant(),-12}{pace,9:f0}{steps,7}{waited / seconds,12:p3}{1e3 * waited / steps,9:f3}{longest,9:f3}{rate / 1e6,12:f0}{cpuShare,11:p1}");
        return new JsonObject
        {
            ["objective"] = kind.ToString().ToLowerInvariant(),
            ["pace_ms"] = pace,
            ["steps"] = steps,
            ["wait_share"] = waited / seconds,
            ["wait_ms_mean"] = 1e3 * waited / steps,
            ["wait_ms_max"] = longest,
            ["tokens_per_s"] = rate,
            ["cpu_share"] = cpuShare,
        };
    }
}
