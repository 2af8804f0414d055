namespace GenoSeq.Data.Tests;

public class MlmCorruptionTests
{
    private const int Length = 1 << 20;

    private static (int[] Ids, int[] Inputs, int[] Labels) Corrupt(Alphabet alphabet, ObjectiveOptions options,
        string letters = "ACGTN", long sample = 5)
    {
        var random = new Random(1);
        var bases = new byte[Length];
        for (int i = 0; i < Length; i++)
        {
            bases[i] = (byte)letters[random.Next(letters.Length)];
        }
        var ids = new int[Length];
        alphabet.Encode(bases, ids);
        var inputs = new int[Length];
        var labels = new int[Length];
        new MlmCorruption(alphabet, options).Apply(ids, inputs, labels, sample);
        return (ids, inputs, labels);
    }

    // A count of n trials lies within five standard deviations with probability 0.9999994.
    private static void AssertShare(double expected, long count, long n)
    {
        double spread = 5 * Math.Sqrt(n * expected * (1 - expected));
        Assert.InRange(count, n * expected - spread, n * expected + spread);
    }

    [Theory]
    [InlineData("caduceus", "ACGTN")]
    [InlineData("bytes", "ACGTNacgtn")]
    public void Apply_MillionTokens_HasTheWantedStatistics(string name, string letters)
    {
        Alphabet alphabet = Alphabet.Get(name);
        (int[] ids, int[] inputs, int[] labels) = Corrupt(alphabet, new ObjectiveOptions(), letters);
        long targets = 0, chosen = 0, masked = 0, kept = 0;
        var replacements = new Dictionary<int, long>();
        for (int t = 0; t < Length; t++)
        {
            bool target = alphabet.IsTarget(ids[t]);
            targets += target ? 1 : 0;
            if (labels[t] == Labels.Ignored)
            {
                Assert.Equal(ids[t], inputs[t]);
                continue;
            }
            Assert.True(target);
            Assert.Equal(ids[t], labels[t]);
            chosen++;
            if (inputs[t] == alphabet.MaskId)
            {
                masked++;
                continue;
            }
            kept += inputs[t] == ids[t] ? 1 : 0;
            Assert.Contains(inputs[t], alphabet.RandomReplacementIds(ReplaceWith.Bases, ids[t]).ToArray());
            Assert.Equal(alphabet.IsLowerCase(ids[t]), alphabet.IsLowerCase(inputs[t]));
            replacements[inputs[t]] = replacements.GetValueOrDefault(inputs[t]) + 1;
        }
        AssertShare(0.15, chosen, targets);
        AssertShare(0.8, masked, chosen);
        // A random base is the true one in a quarter of the cases.
        AssertShare(0.1 + 0.1 / 4, kept, chosen);
        int bases = alphabet == Alphabet.Bytes ? 8 : 4;
        Assert.Equal(bases, replacements.Count);
        Assert.All(replacements.Values, n => AssertShare(1.0 / bases, n, chosen - masked));
    }

    [Fact]
    public void Apply_Parity_ShowsNAsPadAndDrawsFromAllTokens()
    {
        Alphabet a = Alphabet.Caduceus;
        (int[] ids, int[] inputs, int[] labels) = Corrupt(a,
            new ObjectiveOptions { ParityNToPad = true, ReplaceWith = ReplaceWith.All });
        long n = 0, nMasked = 0, nRandom = 0, random = 0, chosen = 0;
        var drawn = new HashSet<int>();
        for (int t = 0; t < Length; t++)
        {
            if (ids[t] == a.NId)
            {
                n++;
                Assert.Equal(Labels.Ignored, labels[t]);
                nMasked += inputs[t] == a.MaskId ? 1 : 0;
                nRandom += inputs[t] != a.MaskId && inputs[t] != a.PadId ? 1 : 0;
            }
            else if (labels[t] != Labels.Ignored)
            {
                chosen++;
                if (inputs[t] != a.MaskId && inputs[t] != ids[t])
                {
                    random++;
                    drawn.Add(inputs[t]);
                }
            }
        }
        // The mask is among the random tokens too.
        AssertShare(0.15 * (0.8 + 0.1 / 12), nMasked, n);
        AssertShare(0.15 * 0.1 * 10 / 12, nRandom, n);
        AssertShare(0.1 * 10 / 12, random, chosen);
        Assert.Equal(Enumerable.Range(0, 12).Where(id => id != a.MaskId), drawn.Order());
    }

    [Fact]
    public void Apply_DefaultNPolicy_LeavesNAndSpecialsAlone()
    {
        (int[] ids, int[] inputs, int[] labels) = Corrupt(Alphabet.Caduceus,
            new ObjectiveOptions { MaskProbability = 1 }, "N-");
        Assert.Equal(ids, inputs);
        Assert.All(labels, l => Assert.Equal(Labels.Ignored, l));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, Length)]
    public void Apply_ExtremeProbability_ChoosesNoneOrAll(double probability, int expected)
    {
        (int[] ids, int[] inputs, int[] labels) = Corrupt(
            Alphabet.Caduceus, new ObjectiveOptions { MaskProbability = probability, MaskedShare = 1, RandomShare = 0 },
            "ACGT");
        Assert.Equal(expected, labels.Count(l => l != Labels.Ignored));
        Assert.Equal(expected, inputs.Count(i => i == Alphabet.Caduceus.MaskId));
        Assert.Equal(expected == 0 ? 0 : Length, labels.Zip(ids).Count(p => p.First == p.Second));
    }

    [Fact]
    public void Apply_RandomShareOne_NeverMasks()
    {
        (_, int[] inputs, int[] labels) = Corrupt(
            Alphabet.Caduceus, new ObjectiveOptions { MaskedShare = 0, RandomShare = 1 }, "ACGT");
        Assert.DoesNotContain(Alphabet.Caduceus.MaskId, inputs);
        Assert.Contains(labels, l => l != Labels.Ignored);
    }

    [Fact]
    public void Apply_SamePrefix_IsCorruptedAlike()
    {
        var corruption = new MlmCorruption(Alphabet.Caduceus, new ObjectiveOptions());
        int[] ids = [.. Enumerable.Range(0, 1000).Select(i => 7 + i % 4)];
        var whole = new int[1000];
        var part = new int[1000];
        var labels = new int[1000];
        corruption.Apply(ids, whole, labels, 3);
        corruption.Apply(ids.AsSpan(0, 333), part, labels, 3);
        Assert.Equal(whole[..333], part[..333]);
        corruption.Apply(ids, part, labels, 4);
        Assert.NotEqual(whole, part);
        int[] inPlace = [.. ids];
        corruption.Apply(inPlace, inPlace, labels, 3);
        Assert.Equal(whole, inPlace);
    }

    [Fact]
    public void Validate_EveryProblem_IsReportedAtOnce()
    {
        Assert.Empty(new ObjectiveOptions().Validate());
        var bad = new ObjectiveOptions
        {
            Kind = (ObjectiveKind)5,
            ReplaceWith = (ReplaceWith)5,
            MaskProbability = -1,
            MaskedShare = 0.9,
            RandomShare = 0.2,
            ReverseComplementProbability = double.NaN,
            SoftMaskWeight = -1,
        };
        Assert.Equal(6, bad.Validate().Count);
        Assert.Throws<ArgumentException>(() => new MlmCorruption(Alphabet.Bytes, bad));
    }
}
