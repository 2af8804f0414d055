using System.Diagnostics;
using System.Text.Json.Nodes;
using GenoSeq.Data;

namespace GenoSeq.Benchmarks.Data;

/// <summary>Stages of making a batch of 131,072-base windows, each alone on one thread, then all together.</summary>
internal static class EncoderBench
{
    private const int Length = 131_072;
    private const int Windows = 8;

    internal static int Run(string[] args)
    {
        if (DataBenchOptions.Parse(args, "data") is not { } options)
        {
            return 2;
        }

        using GenomeSource genome = options.Open();
        var sampler = new WindowSampler(genome, genome.WholeContigs(), new WindowSamplerOptions { Length = Length, MinAcgtFraction = 0 });
        var stages = new JsonArray();
        options.Say($"{"stage",-44}{"G bases/s",11}{"mean",8}{"bytes/base",12}{"GB/s",9}");
        var bases = new byte[Length];
        var ids = new byte[Length + 1];
        var targets = new byte[Length + 1];
        var words = new uint[SampleEncoder.BlockSize];
        Batch batch = new(Windows, Length, false);
        var source = new int[2 * Length];
        long next = 0;

        // What one thread can move at all: the two int32 rows of a window copied from two others.
        Add("limit: copy of two int32 rows", 16, () =>
        {
            int row = (int)(next++ % Windows) * Length;
            source.AsSpan(0, Length).CopyTo(batch.Inputs.AsSpan(row));
            source.AsSpan(Length).CopyTo(batch.Labels.AsSpan(row));
        });
        Add("limit: fill of two int32 rows", 8, () =>
        {
            int row = (int)(next++ % Windows) * Length;
            batch.Inputs.AsSpan(row, Length).Fill(7);
            batch.Labels.AsSpan(row, Length).Fill(Labels.Ignored);
        });
        Add("read a random window", 2, () =>
        {
            SampleWindow w = sampler.At(next++);
            genome.Read(w.Contig, w.Start, bases);
        });
        Add("bytes to ids", 2, () => Blocks((at, n) => Alphabet.Caduceus.Ids.Map(bases.AsSpan(at, n), ids, false)));
        Add("bytes to ids of the opposite strand", 2, () => Blocks((at, n) => Alphabet.Caduceus.OppositeIds.Map(bases.AsSpan(at, n), ids, true)));
        var random = new CounterRandom(1, "bench", 1);
        Add("random words (Philox4x32-10)", 4, () => Blocks((at, n) => random.Fill(words.AsSpan(0, n), (ulong)at)));
        var mlm = new MlmCorruption(Alphabet.Caduceus, new ObjectiveOptions());
        Alphabet.Caduceus.Ids.Map(bases, ids, false);
        Alphabet.Caduceus.Targets.Map(bases, targets, false);
        Add("ids and words to MLM rows", 14, () => Blocks((at, n) => RowKernels.Mlm(mlm, ids.AsSpan(at, n), targets.AsSpan(at, n), words,
            batch.Inputs.AsSpan(at, n), batch.Labels.AsSpan(at, n))));
        Add("ids to causal rows", 10, () => Blocks((at, n) => RowKernels.Causal(ids.AsSpan(at, n + 1), targets.AsSpan(at, n + 1),
            batch.Inputs.AsSpan(at, n), batch.Labels.AsSpan(at, n))));
        foreach (ObjectiveKind kind in (ObjectiveKind[])[ObjectiveKind.Mlm, ObjectiveKind.Causal])
        {
            foreach (string alphabet in (string[])["caduceus", "bytes"])
            {
                foreach (int threads in (int[])[1, Environment.ProcessorCount])
                {
                    var builder = new BatchBuilder(genome, sampler, Alphabet.Get(alphabet), new ObjectiveOptions { Kind = kind }, threads);
                    long step = 0;
                    Add($"batch, {kind.ToString().ToLowerInvariant()}, {alphabet}, {threads} threads", 10,
                        () => builder.Fill(SampleRange.ForStep(step++, Windows), batch), Windows);
                }
            }
        }

        double seconds = DrawThousand(sampler);
        options.Say($"sampler: {seconds * 1e6:f0} ns a draw ({sampler.WindowsPerEpoch(0)} windows an epoch)");
        options.Write(new JsonObject
        {
            ["benchmark"] = "data",
            ["threads"] = Environment.ProcessorCount,
            ["window_bases"] = Length,
            ["windows_per_batch"] = Windows,
            ["stages"] = stages,
            ["sampler_draw_ns"] = seconds * 1e6,
        });
        return 0;

        void Add(string stage, double bytesPerBase, Action action, int windows = 1)
        {
            (double best, double average) = Measure(action);
            double mean = (double)Length * windows / average / 1e9;
            double rate = (double)Length * windows / best / 1e9;
            options.Say($"{stage,-44}{rate,11:f2}{mean,8:f2}{bytesPerBase,12:f0}{rate * bytesPerBase,9:f1}");
            stages.Add((JsonNode)new JsonObject
            {
                ["stage"] = stage,
                ["g_bases_per_s"] = rate,
                ["g_bases_per_s_mean"] = mean,
                ["bytes_per_base"] = bytesPerBase,
                ["gb_per_s"] = rate * bytesPerBase,
            });
        }
    }

    private static double DrawThousand<TSampler>(TSampler sampler)
        where TSampler : class, IWindowSampler
    {
        long next = 0;
        return Measure(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                sampler.At(next++);
            }
        }).Best;
    }

    private static void Blocks(Action<int, int> block)
    {
        for (int at = 0; at < Length; at += SampleEncoder.BlockSize)
        {
            block(at, SampleEncoder.BlockSize);
        }
    }

    // Others' work only ever adds time, so the best of many rounds is what the code can do; the mean is what this machine did.
    private static (double Best, double Mean) Measure(Action action)
    {
        double best = double.PositiveInfinity;
        long rounds = 0;
        long begin = Stopwatch.GetTimestamp();
        for (; rounds < 50 || Stopwatch.GetElapsedTime(begin).TotalSeconds < 1; rounds++)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return (best, Stopwatch.GetElapsedTime(begin).TotalSeconds / rounds);
    }
}
