using System.Text;
using System.Xml.Linq;
using GenoSeq.Data;
using GenoSeq.Inference.Scoring;
using GenoSeq.Inference.Tests.Scoring;
using GenoSeq.Inference.Variants;
using GenoSeq.Models;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Tests.Variants;

/// <summary>Effects of variants against the model's own numbers.</summary>
public sealed class VariantScorerTests
{
    private const int Context = 20;

    private static readonly byte[] s_bases = ScoringModels.Bases(100, 11);
    private static readonly VariantOptions s_options = new() { Context = Context, MaskStride = 4, BatchTokens = 150 };

    [Theory]
    [InlineData("caduceus")]
    [InlineData("bytes")]
    public void Llr_Snv_IsTheRatioAtTheMaskedBase(string alphabet)
    {
        using SequenceModel model = ScoringModels.Masked(equivariant: false, alphabet);
        using GenomeSource genome = Genome(s_bases);
        VariantAllele[] all = [.. "ACGT".Where(b => b != s_bases[50]).Select(b => Snv(50, b))];
        VariantScore[] scores = new VariantScorer(model, genome, s_options).Score([.. all, Snv(3, Other(3))]);
        float[] logP = At(model, s_bases[(50 - Context)..(51 + Context)], Context);
        Alphabet letters = Alphabet.Get(alphabet);
        for (int i = 0; i < all.Length; i++)
        {
            Assert.Equal(logP[letters.Encode(all[i].Alt.Span[0])] - logP[letters.Encode(s_bases[50])], scores[i].Score, 4);
        }

        float[] early = At(model, s_bases[..(4 + Context)], 3);
        Assert.Equal(early[letters.Encode((byte)Other(3))] - early[letters.Encode(s_bases[3])], scores[3].Score, 4);
    }

    [Fact]
    public void Llr_BothStrands_OfEquivariantModelAreOne()
    {
        using SequenceModel model = ScoringModels.Masked();
        using GenomeSource genome = Genome(s_bases);
        VariantAllele[] variants = [Snv(50, Other(50)), Mnv(), new("g", 40, s_bases.AsMemory(40, 1), Encoding.ASCII.GetBytes("ACGT"))];
        VariantScore[] forward = new VariantScorer(model, genome, s_options).Score(variants);
        VariantScore[] both = new VariantScorer(model, genome, s_options with { Strand = StrandUse.Average }).Score(variants);
        Assert.Equal(forward[0].Score, both[0].Score, 4);
        Assert.Equal(forward[1].Score, both[1].Score, 4);
    }

    [Fact]
    public void Delta_Causal_IsTheDifferenceOfLikelihoods()
    {
        using SequenceModel model = ScoringModels.Causal();
        using GenomeSource genome = Genome(s_bases);
        var deletion = new VariantAllele("g", 30, s_bases.AsMemory(30, 4), s_bases.AsMemory(30, 1));
        var insertion = new VariantAllele("g", 60, default, Encoding.ASCII.GetBytes("TTA"));
        VariantAllele[] variants = [Snv(50, Other(50)), deletion, insertion, Mnv()];
        VariantScorer scorer = new(model, genome, s_options);
        Assert.Equal(VariantMethod.Delta, scorer.Method);
        VariantScore[] scores = scorer.Score(variants);
        for (int i = 0; i < variants.Length; i++)
        {
            VariantAllele v = variants[i].Trimmed();
            int at = (int)v.Position0;
            byte[] left = s_bases[Math.Max(0, at - Context)..at];
            byte[] right = s_bases[(at + v.Ref.Length)..Math.Min(100, at + v.Ref.Length + Context)];
            double expected = Sum(model, [.. left, .. v.Alt.Span, .. right]) - Sum(model, [.. left, .. v.Ref.Span, .. right]);
            Assert.Equal(expected, scores[i].Score, 3);
        }

        // The same alone and in reverse order.
        VariantScore[] reversed = scorer.Score([.. variants.Reverse()]);
        Assert.All(Enumerable.Range(0, 4), i => Assert.Equal(scores[i].Score, reversed[3 - i].Score, 4));
    }

    [Fact]
    public void Embedding_Distance_IsZeroForNothing()
    {
        using SequenceModel model = ScoringModels.Masked();
        using GenomeSource genome = Genome(s_bases);
        VariantScore[] scores = new VariantScorer(model, genome, s_options with { Method = VariantMethod.Embedding }).Score([Snv(50, Other(50)), Mnv()]);
        Assert.All(scores, s => Assert.True(s.Score > 1e-4 && s.Reference is > 0 and < 1 && double.IsNaN(s.Alternative)));
    }

    [Fact]
    public void Score_WhatCannotBe_HasAStatus()
    {
        using SequenceModel model = ScoringModels.Causal();
        using GenomeSource genome = Genome(s_bases);
        VariantAllele[] variants =
        [
            Snv(50, (char)s_bases[50]), new("g", 50, new byte[] { (byte)Other(50) }, s_bases.AsMemory(50, 1)), new("h", 1, s_bases.AsMemory(1, 1), default),
            new("g", 99, s_bases.AsMemory(90, 5), default), new("g", 50, s_bases.AsMemory(50, 1), "N"u8.ToArray()), new("g", 10, s_bases.AsMemory(10, 60), default),
            new("chrg", 50, s_bases.AsMemory(50, 1), new byte[] { (byte)Other(50) }),
        ];
        VariantScore[] scores = new VariantScorer(model, genome, s_options with { MaxAllele = 50 }).Score(variants);
        Assert.Equal([VariantStatus.Unchanged, VariantStatus.RefMismatch, VariantStatus.NoContig, VariantStatus.OutsideContig, VariantStatus.Ambiguous, VariantStatus.TooLong, VariantStatus.Scored],
            scores.Select(s => s.Status));
        Assert.All(scores[..6], s => Assert.True(double.IsNaN(s.Score)));
        Assert.Throws<ArgumentException>(() => new VariantScorer(model, genome, s_options with { Method = VariantMethod.Llr }));
    }

    [Fact]
    public void Mutagenesis_Region_HasTheScoresOfItsVariants()
    {
        using SequenceModel model = ScoringModels.Masked();
        byte[] bases = [.. s_bases];
        bases[45] = (byte)'N';
        bases[46] |= 0x20;
        using GenomeSource genome = Genome(bases);
        VariantScorer scorer = new(model, genome, s_options);
        MutagenesisResult result = Mutagenesis.Run(scorer, genome, new GenomeInterval(0, 40, 60));
        Assert.Equal(80, result.Effects.Length);
        Assert.Equal(0, result.Effects[Mutagenesis.Bases.IndexOf((char)bases[40], StringComparison.Ordinal)]);
        Assert.All(result.Effects[20..24], e => Assert.True(double.IsNaN(e)));
        VariantAllele one = new("g", 58, bases.AsMemory(58, 1), new byte[] { (byte)Other(58) });
        Assert.Equal(scorer.Score([one])[0].Score, result.Effects[(4 * 18) + Mutagenesis.Bases.IndexOf(Other(58), StringComparison.Ordinal)], 4);
        XDocument svg = XDocument.Parse(HeatMap.Draw(result, "log-likelihood ratio"));
        Assert.Equal(1 + 80 + 21, svg.Descendants().Count(e => e.Name.LocalName == "rect"));
        Assert.Equal(19, svg.Descendants().Count(e => e.Name.LocalName == "circle"));
    }

    internal static FastaGenome Genome(byte[] bases) =>
        FastaGenome.Read(new MemoryStream(Encoding.ASCII.GetBytes($">g\n{Encoding.ASCII.GetString(bases)}\n")), "g.fa");

    private static char Other(int at) => s_bases[at] == 'A' ? 'G' : 'A';

    private static VariantAllele Snv(int at, char alt) => new("g", at, s_bases.AsMemory(at, 1), new byte[] { (byte)alt });

    private static VariantAllele Mnv() => new("g", 70, s_bases.AsMemory(70, 3), new[] { (byte)Other(70), (byte)Other(71), (byte)Other(72) });

    private static float[] At(SequenceModel model, byte[] window, int at)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Alphabet letters = Alphabet.Get(model.Config.Alphabet);
        int[] ids = new int[window.Length];
        letters.Encode(window, ids);
        ids[at] = letters.MaskId;
        return model.forward(tensor(ids, 1, ids.Length)).select(1, at).log_softmax(1).ToArray<float>();
    }

    private static double Sum(SequenceModel model, byte[] bases) =>
        new LikelihoodScorer(model).Score([bases])[0].Where(v => !float.IsNaN(v)).Sum(v => (double)v);
}
