using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Data.Tests.Objectives;

/// <summary>The fused, vectorised rows are those of the plain definition, number for number.</summary>
public class SampleEncoderTests
{
    private static readonly FastaGenome s_genome = Genomes.RandomOf("ACGTACGTACGTacgtacgtNnRYuU-*", 31, 9000, 700);

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, 60)];

    // Options drawn at random, extremes included.
    private static ObjectiveOptions Objective(Random random) => new()
    {
        Kind = random.Next(2) == 0 ? ObjectiveKind.Mlm : ObjectiveKind.Causal,
        MaskProbability = Pick(random, 0.15, 0, 1, 1e-9, random.NextDouble()),
        MaskedShare = Pick(random, 0.8, 0, 1, 0.3),
        RandomShare = Pick(random, 0, 0.1, 0.2),
        ReplaceWith = random.Next(2) == 0 ? ReplaceWith.Bases : ReplaceWith.All,
        ParityNToPad = random.Next(2) == 0,
        ReverseComplementProbability = Pick(random, 0, 0.5, 1),
        SoftMaskWeight = (float)Pick(random, 1, 0.1, 0),
        Seed = random.Next(),
    };

    private static double Pick(Random random, params double[] of) => of[random.Next(of.Length)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Fill_RandomOptionsAndLengths_IsTheScalarDefinition(int seed)
    {
        var random = new Random(seed);
        ObjectiveOptions options = Objective(random);
        if (options.MaskedShare + options.RandomShare > 1)
        {
            options = options with { RandomShare = 0 };
        }
        Alphabet alphabet = random.Next(2) == 0 ? Alphabet.Caduceus : Alphabet.Bytes;
        int length = random.Next(3) == 0 ? random.Next(2, 70) : random.Next(70, 2600);
        bool shuffle = random.Next(2) == 0;
        var sampler = new WindowSampler(s_genome, s_genome.WholeContigs(), new WindowSamplerOptions
        {
            Length = length,
            Shuffle = shuffle,
            Tail = shuffle ? TailPolicy.Drop : (TailPolicy)random.Next(3),
            MinAcgtFraction = 0,
            Seed = seed,
        });
        var builder = new BatchBuilder(s_genome, sampler, alphabet, options, threads: 1);
        Batch batch = builder.CreateBatch(5);
        builder.Fill(new SampleRange(random.Next(1000), 5), batch);
        for (int row = 0; row < 5; row++)
        {
            (int[] inputs, int[] labels, float[] weights) = Expected(sampler, alphabet, options, batch.Samples.First + row);
            int at = row * length;
            Assert.Equal(inputs, batch.Inputs.AsSpan(at, length).ToArray());
            Assert.Equal(labels, batch.Labels.AsSpan(at, length).ToArray());
            Assert.Equal(labels.Count(l => l >= 0), batch.TargetCounts[row]);
            if (batch.Weights is not null)
            {
                Assert.Equal(weights, batch.Weights.AsSpan(at, length).ToArray());
            }
        }
    }

    // The whole-window definition: read, complement, encode, corrupt.
    private static (int[] Inputs, int[] Labels, float[] Weights) Expected(
        WindowSampler sampler, Alphabet alphabet, ObjectiveOptions options, long sample)
    {
        SampleWindow w = sampler.At(sample);
        bool flip = new CounterRandom(options.Seed, "strand", sample).NextDouble() < options.ReverseComplementProbability;
        bool causal = options.Kind == ObjectiveKind.Causal;
        bool more = causal && (flip ? w.HasPrevious : w.HasNext);
        var bases = new byte[w.Length + (more ? 1 : 0)];
        s_genome.Read(w.Contig, w.Start - (more && flip ? 1 : 0), bases);
        if (flip)
        {
            DnaComplement.ReverseComplementInPlace(bases);
        }
        var ids = new int[bases.Length];
        alphabet.Encode(bases, ids);
        var inputs = new int[sampler.Length];
        var labels = new int[sampler.Length];
        Array.Fill(inputs, alphabet.PadId);
        Array.Fill(labels, Labels.Ignored);
        if (causal)
        {
            CausalTargets.Apply(alphabet, ids, inputs.AsSpan(0, w.Length), labels.AsSpan(0, w.Length));
        }
        else
        {
            new MlmCorruption(alphabet, options).Apply(ids, inputs, labels, sample);
        }
        Span<int> seen = flip ? labels.AsSpan(w.Length - w.TargetStart, w.TargetStart) : labels.AsSpan(0, w.TargetStart);
        seen.Fill(Labels.Ignored);
        float[] weights = [.. labels.Select((l, t) => l < 0 ? 0 : char.IsLower((char)bases[t + (causal ? 1 : 0)]) ? options.SoftMaskWeight : 1)];
        return (inputs, labels, weights);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void RowKernels_EveryPath_IsTheScalarOne(int seed)
    {
        var random = new Random(seed);
        ObjectiveOptions options = Objective(random) with { Kind = ObjectiveKind.Mlm, RandomShare = 0 };
        options = options with { RandomShare = random.NextDouble() * (1 - options.MaskedShare) };
        Alphabet alphabet = random.Next(2) == 0 ? Alphabet.Caduceus : Alphabet.Bytes;
        var mlm = new MlmCorruption(alphabet, options);
        for (int n = 0; n < 150; n += random.Next(1, 4))
        {
            var bytes = new byte[n + 1];
            random.NextBytes(bytes);
            for (int i = 0; i < n; i++)
            {
                bytes[i] = random.Next(4) > 0 ? "ACGTacgtN"u8[random.Next(9)] : bytes[i];
            }
            var ids = new byte[n + 1];
            var targets = new byte[n + 1];
            alphabet.Ids.Map(bytes, ids, false);
            alphabet.Targets.Map(bytes, targets, false);
            uint[] words = [.. Enumerable.Range(0, n).Select(_ => (uint)random.NextInt64(0, 1L << 32))];
            if (n > 1)
            {
                // The limits themselves are where a vector comparison would go wrong.
                (words[0], words[^1]) = (mlm.Rule.Chosen, Math.Min(mlm.Rule.Masked, uint.MaxValue - 1) + 1);
            }
            Check((inputs, labels) => (n, RowKernels.MlmScalar(mlm, ids, targets, words, inputs, labels)),
                [
                    (inputs, labels) => (n, RowKernels.Mlm(mlm, ids, targets, words, inputs, labels)),
                    (inputs, labels) => Avx2.IsSupported ? Part(RowKernels.Mlm256, inputs, labels) : (0, 0),
                    (inputs, labels) => Avx512F.IsSupported ? Part(RowKernels.Mlm512, inputs, labels) : (0, 0),
                ], n);
            Check((inputs, labels) => (n, RowKernels.CausalScalar(ids, targets, inputs, labels)),
                [
                    (inputs, labels) => (n, RowKernels.Causal(ids, targets, inputs, labels)),
                    (inputs, labels) => Avx2.IsSupported ? Next(RowKernels.Causal256, inputs, labels) : (0, 0),
                    (inputs, labels) => Avx512F.IsSupported ? Next(RowKernels.Causal512, inputs, labels) : (0, 0),
                ], n);

            (int, int) Part(MlmPath path, int[] inputs, int[] labels)
            {
                int count = 0;
                int done = path(mlm, ids, targets, words, inputs, labels, ref count);
                return (done, count);
            }

            (int, int) Next(CausalPath path, int[] inputs, int[] labels)
            {
                int count = 0;
                int done = path(ids, targets, inputs, labels, ref count);
                return (done, count);
            }
        }
    }

    [Fact]
    public void PhiloxVector_BothWidths_AreTheScalarWords()
    {
        var random = new CounterRandom(5, "test", 77);
        ulong key = CounterRandom.Key(5, "test");
        uint[] expected = [.. Enumerable.Range(0, 256).Select(i => random.WordAt((1UL << 35) - 64 + (ulong)i))];
        ulong block = ((1UL << 35) - 64) >> 2;
        var words = new uint[256];
        if (Avx2.IsSupported)
        {
            Assert.Equal(256, PhiloxVector.Fill256(words, block, 77, key));
            Assert.Equal(expected, words);
        }
        if (Avx512F.IsSupported)
        {
            Array.Clear(words);
            Assert.Equal(256, PhiloxVector.Fill512(words, block, 77, key));
            Assert.Equal(expected, words);
        }
        for (int length = 0; length < 256; length++)
        {
            var some = new uint[length];
            random.Fill(some, (1UL << 35) - 64);
            Assert.Equal(expected[..length], some);
        }
    }

    private delegate int MlmPath(MlmCorruption mlm, ReadOnlySpan<byte> ids, ReadOnlySpan<byte> targets, ReadOnlySpan<uint> words,
        Span<int> inputs, Span<int> labels, ref int count);

    private delegate int CausalPath(ReadOnlySpan<byte> ids, ReadOnlySpan<byte> targets, Span<int> inputs, Span<int> labels, ref int count);

    private delegate (int Done, int Count) Path(int[] inputs, int[] labels);

    private static void Check(Path definition, Path[] others, int n)
    {
        var inputs = new int[n];
        var labels = new int[n];
        (_, int count) = definition(inputs, labels);
        foreach (Path other in others)
        {
            var otherInputs = new int[n];
            var otherLabels = new int[n];
            (int done, int otherCount) = other(otherInputs, otherLabels);
            Assert.Equal(inputs.AsSpan(0, done), otherInputs.AsSpan(0, done));
            Assert.Equal(labels.AsSpan(0, done), otherLabels.AsSpan(0, done));
            Assert.Equal(done == n ? count : labels.Take(done).Count(l => l >= 0), otherCount);
        }
    }
}
