using System.Text;

namespace GenoSeq.Data.Tests;

public class BatchBuilderTests
{
    private static readonly FastaGenome s_genome = Genomes.RandomOf("ACGTacgtN", 12, 5000, 333, 70);

    private static BatchBuilder Builder(
        ObjectiveOptions objective, WindowSamplerOptions? sampling = null, Alphabet? alphabet = null, int threads = 1)
    {
        sampling ??= new WindowSamplerOptions { Length = 50 };
        var sampler = new WindowSampler(s_genome, s_genome.WholeContigs(), sampling);
        return new BatchBuilder(s_genome, sampler, alphabet ?? Alphabet.Caduceus, objective, threads);
    }

    private static string Bases(SampleWindow w, int before = 0, int after = 0) =>
        Genomes.Text(s_genome, w.Contig).Substring((int)w.Start - before, w.Length + before + after);

    private static string ReverseComplement(string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        DnaComplement.ReverseComplementInPlace(bytes);
        return Encoding.ASCII.GetString(bytes);
    }

    [Theory]
    [InlineData(ObjectiveKind.Mlm)]
    [InlineData(ObjectiveKind.Causal)]
    public void Fill_AnyThreadsRanksAndBatchSizes_GivesTheSameSamples(ObjectiveKind kind)
    {
        var options = new ObjectiveOptions { Kind = kind, SoftMaskWeight = 0.1f };
        BatchBuilder single = Builder(options);
        Batch all = single.CreateBatch(300);
        single.Fill(new SampleRange(0, 300), all);
        foreach (int threads in (int[])[1, 2, 5, 0])
        {
            foreach (int world in (int[])[1, 3])
            {
                BatchBuilder builder = Builder(options, threads: threads);
                Batch batch = builder.CreateBatch(20);
                for (int step = 0; step < 15; step++)
                {
                    for (int rank = 0; rank < world; rank++)
                    {
                        SampleRange range = SampleRange.ForStep(step, 20, rank, world);
                        builder.Fill(range, batch);
                        int from = (int)range.First * 50;
                        int size = range.Count * 50;
                        Assert.Equal(range.Count, batch.Count);
                        Assert.True(all.Inputs.AsSpan(from, size).SequenceEqual(batch.Inputs.AsSpan(0, size)));
                        Assert.True(all.Labels.AsSpan(from, size).SequenceEqual(batch.Labels.AsSpan(0, size)));
                        Assert.True(all.Weights.AsSpan(from, size).SequenceEqual(batch.Weights.AsSpan(0, size)));
                        Assert.Equal(all.Windows[(int)range.First], batch.Windows[0]);
                        Assert.Equal(batch.Labels.AsSpan(0, size).ToArray().Count(l => l != -100), batch.TotalTargets);
                    }
                }
            }
        }
    }

    [Fact]
    public void Fill_MlmWithoutCorruption_IsTheStrandRead()
    {
        BatchBuilder builder = Builder(new ObjectiveOptions { MaskProbability = 0 }, alphabet: Alphabet.Bytes);
        Batch batch = builder.CreateBatch(400);
        builder.Fill(new SampleRange(7, 400), batch);
        for (int i = 0; i < 400; i++)
        {
            string forward = Bases(batch.Windows[i]);
            string expected = batch.Flipped[i] ? ReverseComplement(forward) : forward;
            Assert.Equal(expected, Alphabet.Bytes.Decode(batch.Inputs.AsSpan(i * 50, 50)));
        }
        // 400 fair coins: 200 give or take five standard deviations.
        Assert.InRange(batch.Flipped.Count(f => f), 150, 250);
        Assert.Null(batch.Weights);
        Assert.Equal(0, batch.TotalTargets);
    }

    [Fact]
    public void Fill_Causal_LabelsAreTheNextBaseOfTheStrandReadWithinTheInterval()
    {
        BatchBuilder builder = Builder(new ObjectiveOptions { Kind = ObjectiveKind.Causal }, alphabet: Alphabet.Bytes);
        Batch batch = builder.CreateBatch(500);
        builder.Fill(new SampleRange(0, 500), batch);
        int withoutLast = 0;
        for (int i = 0; i < 500; i++)
        {
            SampleWindow w = batch.Windows[i];
            bool more = batch.Flipped[i] ? w.HasPrevious : w.HasNext;
            withoutLast += more ? 0 : 1;
            string read = batch.Flipped[i]
                ? ReverseComplement(Bases(w, before: more ? 1 : 0))
                : Bases(w, after: more ? 1 : 0);
            for (int t = 0; t < 50; t++)
            {
                bool counts = t + 1 < read.Length && "ACGTacgt".Contains(read[t + 1], StringComparison.Ordinal);
                Assert.Equal(counts ? read[t + 1] : -100, batch.Labels[i * 50 + t]);
                Assert.Equal(read[t], batch.Inputs[i * 50 + t]);
            }
        }
        Assert.InRange(withoutLast, 1, 50);
    }

    [Theory]
    [InlineData(ObjectiveKind.Mlm)]
    [InlineData(ObjectiveKind.Causal)]
    public void Fill_SoftMaskWeight_FollowsCaseOfTheLabelsBase(ObjectiveKind kind)
    {
        var options = new ObjectiveOptions
        {
            Kind = kind,
            SoftMaskWeight = 0.25f,
            MaskProbability = 1,
            MaskedShare = 0,
            RandomShare = 0,
        };
        Batch upper = Builder(options).CreateBatch(200);
        Builder(options).Fill(new SampleRange(0, 200), upper);
        Batch bytes = Builder(options, alphabet: Alphabet.Bytes).CreateBatch(200);
        Builder(options, alphabet: Alphabet.Bytes).Fill(new SampleRange(0, 200), bytes);
        for (int i = 0; i < upper.Labels.Length; i++)
        {
            float expected = bytes.Labels[i] == -100 ? 0 : char.IsAsciiLetterLower((char)bytes.Labels[i]) ? 0.25f : 1;
            Assert.Equal(expected, upper.Weights![i]);
        }
        Assert.Equal([0, 0.25f, 1], upper.Weights!.Distinct().Order());
    }

    [Theory]
    [InlineData(ObjectiveKind.Mlm, TailPolicy.Short)]
    [InlineData(ObjectiveKind.Mlm, TailPolicy.SlideBack)]
    [InlineData(ObjectiveKind.Causal, TailPolicy.Short)]
    [InlineData(ObjectiveKind.Causal, TailPolicy.SlideBack)]
    public void Fill_SequentialEvaluation_CountsEveryTargetOnce(ObjectiveKind kind, TailPolicy tail)
    {
        ObjectiveOptions options = new ObjectiveOptions { Kind = kind, MaskProbability = 1 }.ForEvaluation();
        BatchBuilder builder = Builder(options, new WindowSamplerOptions { Length = 48, Shuffle = false, Tail = tail });
        var sampler = new WindowSampler(
            s_genome, s_genome.WholeContigs(), new WindowSamplerOptions { Length = 48, Shuffle = false, Tail = tail });
        int count = (int)sampler.WindowsPerEpoch(0);
        Batch batch = builder.CreateBatch(count);
        builder.Fill(new SampleRange(0, count), batch);
        long expected = 0;
        for (int c = 0; c < s_genome.Contigs.Count; c++)
        {
            string text = Genomes.Text(s_genome, c);
            // The first base of an interval has nothing before it to be predicted from.
            expected += text.Skip(kind == ObjectiveKind.Causal ? 1 : 0).Count(b => b != 'N');
        }
        Assert.Equal(expected, batch.TotalTargets);
        Assert.DoesNotContain(true, batch.Flipped);
    }

    [Fact]
    public void Fill_ShortTail_IsPaddedAndIgnored()
    {
        BatchBuilder builder = Builder(
            new ObjectiveOptions { Kind = ObjectiveKind.Causal, SoftMaskWeight = 0.5f },
            new WindowSamplerOptions { Length = 128, Shuffle = false });
        Batch batch = builder.CreateBatch(50);
        builder.Fill(new SampleRange(0, 44), batch);
        int row = Array.FindIndex(batch.Windows, w => w.Length == 70);
        Assert.Equal(Enumerable.Repeat(Alphabet.Caduceus.PadId, 58), batch.Inputs[(row * 128 + 70)..((row + 1) * 128)]);
        Assert.All(batch.Labels[(row * 128 + 69)..((row + 1) * 128)], l => Assert.Equal(-100, l));
        Assert.All(batch.Weights![(row * 128 + 69)..((row + 1) * 128)], w => Assert.Equal(0, w));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Fill_AfterTheFirst_AllocatesNothing(int threads)
    {
        BatchBuilder builder = Builder(new ObjectiveOptions { SoftMaskWeight = 0.1f }, threads: threads);
        Batch batch = builder.CreateBatch(16);
        for (int i = 0; i < 50; i++)
        {
            builder.Fill(new SampleRange(i, 16), batch);
        }
        // A new epoch makes a new plan; samples 0 to 65 all lie in the first. The runtime itself allocates now and then
        // (a lock's first contention), so the quietest of several rounds counts.
        long least = long.MaxValue;
        for (int round = 0; round < 10; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 50; i++)
            {
                builder.Fill(new SampleRange(i, 16), batch);
            }
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, least);
    }

    [Fact]
    public void Fill_DifferentSeeds_DifferInStrandAndCorruption()
    {
        BatchBuilder a = Builder(new ObjectiveOptions { Seed = 1 });
        BatchBuilder b = Builder(new ObjectiveOptions { Seed = 2 });
        Batch first = a.CreateBatch(64);
        Batch second = b.CreateBatch(64);
        a.Fill(new SampleRange(0, 64), first);
        b.Fill(new SampleRange(0, 64), second);
        Assert.Equal(first.Windows, second.Windows);
        Assert.NotEqual(first.Flipped, second.Flipped);
        Assert.NotEqual(first.Labels, second.Labels);
    }

    [Fact]
    public void Fill_ErrorInASample_ReachesTheCaller()
    {
        using FastaGenome genome = Genomes.Parse(">a\n" + new string('N', 500) + "\n");
        var builder = new BatchBuilder(genome, new Failing(), Alphabet.Bytes, new ObjectiveOptions(), threads: 4);
        Batch batch = builder.CreateBatch(32);
        for (int i = 0; i < 20; i++)
        {
            Assert.Throws<InputDataException>(() => builder.Fill(new SampleRange(0, 32), batch));
        }
    }

    private sealed class Failing : IWindowSampler
    {
        public int Length => 10;

        public bool Packs => false;

        public SampleWindow At(long sampleIndex) => sampleIndex % 5 == 4
            ? throw new InputDataException("this window cannot be had")
            : new SampleWindow(0, sampleIndex, 10, 0, 0, false, false);

        public long WindowsPerEpoch(int epoch) => 100;

        public ReadOnlySpan<GenomeInterval> PackSegments(int pack) => [];
    }

    [Fact]
    public void Fill_BadArguments_Throws()
    {
        BatchBuilder builder = Builder(new ObjectiveOptions());
        Assert.Throws<ArgumentOutOfRangeException>(() => builder.Fill(new SampleRange(0, 5), builder.CreateBatch(4)));
        Assert.Throws<ArgumentOutOfRangeException>(() => builder.Fill(new SampleRange(0, 1), new Batch(4, 51, false)));
        Assert.Throws<ArgumentException>(() => Builder(new ObjectiveOptions { MaskProbability = 2 }));
    }
}
