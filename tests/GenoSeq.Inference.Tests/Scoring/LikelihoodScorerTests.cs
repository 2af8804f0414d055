using GenoSeq.Data;
using GenoSeq.Inference.Scoring;
using GenoSeq.Models;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Tests.Scoring;

/// <summary>Likelihoods against a model's own logits, and against themselves however they are computed.</summary>
public sealed class LikelihoodScorerTests
{
    private static readonly LikelihoodOptions s_small = new() { Window = 48, Margin = 8, MaskStride = 4, BatchTokens = 200 };

    [Theory]
    [InlineData("M", 0)]
    [InlineData("A", 0)]
    [InlineData("M A", 7)]
    public void Causal_AnyPieces_IsTheSoftmaxOfTheWhole(string layout, int window)
    {
        using SequenceModel model = ScoringModels.Causal(layout, window);
        byte[] bases = ScoringModels.Bases(130);
        bases[70] = (byte)'N';
        float[] expected = Expected(model, bases);
        Assert.True(float.IsNaN(expected[0]) && float.IsNaN(expected[70]) && !float.IsNaN(expected[71]));
        ScoringModels.Close(expected, new LikelihoodScorer(model, s_small with { Window = 4096 }).Score([bases])[0]);
        ScoringModels.Close(expected, new LikelihoodScorer(model, s_small).Score([bases])[0]);
        ScoringModels.Close(expected, new LikelihoodScorer(model, s_small with { Window = 43, Margin = 0 }).Score([bases])[0]);
    }

    [Fact]
    public void Causal_OtherStrand_IsThatOfTheReverseComplement()
    {
        using SequenceModel model = ScoringModels.Causal();
        byte[] bases = ScoringModels.Bases(110);
        byte[] opposite = [.. bases];
        DnaComplement.ReverseComplementInPlace(opposite);
        float[] forward = Expected(model, bases);
        float[] reverse = [.. Expected(model, opposite).Reverse()];
        float[] both = [.. forward.Zip(reverse, (f, r) => float.IsNaN(f) ? r : float.IsNaN(r) ? f : (f + r) / 2)];
        foreach (int window in (int[])[48, 4096])
        {
            LikelihoodOptions options = s_small with { Window = window };
            ScoringModels.Close(reverse, new LikelihoodScorer(model, options with { Strand = StrandUse.Rc }).Score([bases])[0]);
            ScoringModels.Close(both, new LikelihoodScorer(model, options with { Strand = StrandUse.Average }).Score([bases])[0]);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Masked_Passes_HideEveryKthBase(bool equivariant)
    {
        using SequenceModel model = ScoringModels.Masked(equivariant);
        byte[] bases = ScoringModels.Bases(41);
        float[] expected = new float[41];
        int[] ids = new int[41];
        Alphabet.Caduceus.Encode(bases, ids);
        using IDisposable mode = no_grad();
        for (int pass = 0; pass < 4; pass++)
        {
            using DisposeScope scope = NewDisposeScope();
            int[] masked = [.. ids.Select((id, i) => i % 4 == pass ? Alphabet.Caduceus.MaskId : id)];
            float[] logP = model.forward(tensor(masked, 1, 41)).log_softmax(2).ToArray<float>();
            for (int i = pass; i < 41; i += 4)
            {
                expected[i] = logP[(16 * i) + ids[i]];
            }
        }

        ScoringModels.Close(expected, new LikelihoodScorer(model, s_small).Score([bases])[0]);
        float[] other = new LikelihoodScorer(model, s_small with { Strand = StrandUse.Rc }).Score([bases])[0];
        byte[] opposite = [.. bases];
        DnaComplement.ReverseComplementInPlace(opposite);
        float[] reverse = [.. new LikelihoodScorer(model, s_small).Score([opposite])[0].Reverse()];
        // The other end's positions leave other remainders, but the same bases hide together.
        ScoringModels.Close(reverse, other);
        if (equivariant)
        {
            ScoringModels.Close(expected, reverse);
        }
        else
        {
            Assert.Contains(other.Zip(expected), p => Math.Abs(p.First - p.Second) > 1e-3);
        }
    }

    [Fact]
    public void Score_AloneOrInAnyBatch_IsTheSame()
    {
        foreach (SequenceModel model in (SequenceModel[])[ScoringModels.Causal(), ScoringModels.Masked(), ScoringModels.Causal("A")])
        {
            using (model)
            {
                ReadOnlyMemory<byte>[] sequences = [.. new[] { 30, 7, 1, 100, 30, 0, 12, 44 }.Select((n, i) => (ReadOnlyMemory<byte>)ScoringModels.Bases(n, i))];
                float[][] together = new LikelihoodScorer(model, s_small).Score(sequences);
                float[][] large = new LikelihoodScorer(model, s_small with { BatchTokens = 100000 }).Score(sequences);
                for (int i = 0; i < sequences.Length; i++)
                {
                    float[] alone = new LikelihoodScorer(model, s_small with { BatchTokens = 1 }).Score([sequences[i]])[0];
                    ScoringModels.Close(alone, together[i]);
                    ScoringModels.Close(alone, large[i]);
                }
            }
        }
    }

    [Theory]
    [InlineData(49)]
    [InlineData(80)]
    [InlineData(81)]
    [InlineData(333)]
    public void Masked_LongSequence_ScoresEveryBaseOnce(int length)
    {
        using SequenceModel model = ScoringModels.Masked();
        byte[] bases = ScoringModels.Bases(length);
        var seen = new List<float>();
        new LikelihoodScorer(model, s_small).Stream(new ScoreItem("x", bases), (start, values) =>
        {
            Assert.Equal(seen.Count, start);
            seen.AddRange(values);
        });
        Assert.Equal(length, seen.Count);
        Assert.DoesNotContain(seen, float.IsNaN);
        // With all of it around them, bases are worth nearly the same.
        float[] whole = new LikelihoodScorer(model, s_small with { Window = 4096 }).Score([bases])[0];
        Assert.InRange(seen.Average() / whole.Average(), 0.97, 1.03);
    }

    [Fact]
    public void Run_Items_KeepsOrderAndSums()
    {
        using SequenceModel model = ScoringModels.Causal();
        ScoreItem[] items = [.. new[] { 20, 100, 3, 49 }.Select((n, i) => new ScoreItem($"s{i}", ScoringModels.Bases(n, i)))];
        var perBase = new Dictionary<string, List<float>>();
        SequenceScore[] scores = [.. new ScoreRun(model, s_small).Run(items, (item, start, values) =>
        {
            List<float> own = perBase.TryGetValue(item.Id, out List<float>? known) ? known : perBase[item.Id] = [];
            Assert.Equal(own.Count, start);
            own.AddRange(values);
        })];
        Assert.Equal(["s0", "s1", "s2", "s3"], scores.Select(s => s.Item.Id));
        foreach (SequenceScore s in scores)
        {
            Assert.Equal(s.Item.Length - 1, s.Scored);
            Assert.Equal(s.LogLikelihood, perBase[s.Item.Id].Where(v => !float.IsNaN(v)).Sum(v => (double)v), 6);
            Assert.Equal(-s.LogLikelihood / s.Scored / Math.Log(2), s.BitsPerBase, 9);
        }
    }

    [Fact]
    public void Options_Invalid_AreRefused()
    {
        using SequenceModel model = ScoringModels.Causal();
        Assert.Contains("mask_stride", Assert.Throws<ArgumentException>(() => new LikelihoodScorer(model, new LikelihoodOptions { MaskStride = 1 })).Message, StringComparison.Ordinal);
        Assert.Equal(3, new LikelihoodOptions { Window = 3, Margin = 9, BatchTokens = 0 }.Validate().Count);
    }

    private static float[] Expected(SequenceModel model, byte[] bases)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        int[] ids = new int[bases.Length];
        Alphabet.Caduceus.Encode(bases, ids);
        float[] logP = model.forward(tensor(ids, 1, ids.Length)).log_softmax(2).ToArray<float>();
        return [float.NaN, .. Enumerable.Range(1, ids.Length - 1).Select(t => Alphabet.Caduceus.IsTarget(ids[t]) ? logP[(16 * (t - 1)) + ids[t]] : float.NaN)];
    }
}
