using GenoSeq.Data;
using GenoSeq.Inference.Embedding;
using GenoSeq.Models;
using GenoSeq.Models.Kernels;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Tests.Embedding;

public class EmbedderTests
{
    [Theory]
    [InlineData("ps", StatePooling.Mean)]
    [InlineData("ps-swapped", StatePooling.Last)]
    [InlineData("mamba", StatePooling.Max)]
    [InlineData("hybrid", StatePooling.Last)]
    [InlineData("attention", StatePooling.Mean)]
    public void Embed_InBatchOfOthers_GivesRowsOfSequenceAlone(string kind, StatePooling pooling)
    {
        using SequenceModel model = SmallModels.Build(kind);
        var embedder = new Embedder(model, new EmbedOptions { Pooling = pooling, Layers = [1, -1] });
        SequenceItem[] items = [.. new[] { 50, 7, 31, 50, 1, 64 }.Select((n, i) => new SequenceItem($"s{i}", SmallModels.Dna(n, i)))];

        float[][] together = embedder.Embed(items);

        for (int i = 0; i < items.Length; i++)
        {
            SmallModels.Close(embedder.Embed([items[i]])[0], together[i], 1e-5, $"{kind}, sequence {i}");
        }
    }

    [Theory]
    [InlineData("ps")]
    [InlineData("ps-swapped")]
    [InlineData("ph")]
    public void Embed_ReverseComplement_IsStrandRc(string kind)
    {
        using SequenceModel model = SmallModels.Build(kind);
        byte[] bases = SmallModels.Dna(60, 9);
        byte[] other = [.. bases];
        DnaComplement.ReverseComplementInPlace(other);

        float[] rc = Embed(model, bases, StrandMode.Rc);
        float[] forward = Embed(model, other, StrandMode.Forward);

        // Rows of rc are in the order of the sequence's positions: those of the other strand, from the end.
        int d = model.Config.DModel;
        float[] turned = [.. Enumerable.Range(0, 60).Reverse().SelectMany(r => forward.AsSpan(r * d, d).ToArray())];
        SmallModels.Close(turned, rc, 1e-5, kind);

        if (model.Config.RcEquivariant)
        {
            float[] both = Embed(model, bases, StrandMode.Concat);
            float[] ofOther = Embed(model, other, StrandMode.Concat);
            float[] flipped = [.. Enumerable.Range(0, 60).Reverse().SelectMany(r => ofOther.AsSpan(r * 2 * d, 2 * d).ToArray().Reverse())];
            SmallModels.Close(flipped, both, 1e-5, $"{kind}, channels flipped");
        }
    }

    [Theory]
    [InlineData("ps")]
    [InlineData("ps-swapped")]
    [InlineData("mamba")]
    public void Embed_Unpooled_IsModelsHiddenState(string kind)
    {
        using SequenceModel model = SmallModels.Build(kind);
        byte[] bases = SmallModels.Dna(40, 10);
        int[] ids = new int[40];
        Alphabet.Caduceus.Encode(bases, ids);
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();

        float[] expected = model.ForwardHidden(tensor(ids, 1, 40)).ToArray<float>();

        SmallModels.Close(expected, Embed(model, bases, null), 1e-6, kind);
    }

    [Theory]
    [InlineData(StatePooling.Mean, false)]
    [InlineData(StatePooling.Max, true)]
    [InlineData(StatePooling.Last, false)]
    public void BinPooler_ChunksFromEitherEnd_PoolsBins(StatePooling pooling, bool fromEnd)
    {
        const int Length = 23, Bin = 5, Width = 2, Chunk = 4;
        float[] values = [.. Enumerable.Range(0, Length * Width).Select(i => (float)Math.Sin(i))];
        using Tensor states = tensor(values, Length, Width);
        var pooler = new BinPooler(pooling, lastIsFirst: false, Length, Bin, Width, otherStrand: true);
        foreach (int first in fromEnd ? [20, 16, 12, 8, 4, 0] : new[] { 0, 4, 8, 12, 16, 20 })
        {
            using Tensor part = states.narrow(0, first, Math.Min(Chunk, Length - first));
            pooler.Add(first, part, fromEnd);
        }

        // Of the other strand the short bin comes first: positions 0 to 2, 3 to 7, ...; rows are in the sequence's order.
        var expected = new List<float>();
        for (int bin = 4; bin >= 0; bin--)
        {
            int[] positions = [.. Enumerable.Range(0, Length).Where(p => (p + 2) / Bin == bin)];
            for (int c = 0; c < Width; c++)
            {
                float[] own = [.. positions.Select(p => values[(p * Width) + c])];
                expected.Add(pooling switch { StatePooling.Mean => own.Average(), StatePooling.Max => own.Max(), _ => own[^1] });
            }
        }

        SmallModels.Close([.. expected], pooler.Rows(), 1e-6, "bins");
    }

    [Fact]
    public void Embed_WithMoreThreads_GivesSameRows()
    {
        using SequenceModel model = SmallModels.Build("ps");
        var embedder = new Embedder(model);
        SequenceItem[] items = [.. Enumerable.Range(0, 9).Select(i => new SequenceItem($"s{i}", SmallModels.Dna(30 + (7 * i % 5), i)))];
        int before = KernelThreads.Count;
        try
        {
            KernelThreads.Count = 1;
            float[][] one = embedder.Embed(items);
            KernelThreads.Count = 2;
            float[][] two = embedder.Embed(items);
            Assert.All(Enumerable.Range(0, items.Length), i => SmallModels.Close(one[i], two[i], 1e-6, $"sequence {i}"));
        }
        finally
        {
            KernelThreads.Count = before;
        }
    }

    [Fact]
    public void Embed_WhatCannotBe_IsRefusedWithCure()
    {
        using SequenceModel model = SmallModels.Build("attention");
        var embedder = new Embedder(model, new EmbedOptions { Streaming = new() { ChunkLength = 20 } });
        InputDataException tooLong = Assert.Throws<InputDataException>(() => embedder.Embed([new SequenceItem("long", SmallModels.Dna(21, 1))]));
        Assert.Contains("--window", tooLong.Try, StringComparison.Ordinal);
        Assert.Throws<InputDataException>(() => embedder.Embed([new SequenceItem("empty", ReadOnlyMemory<byte>.Empty)]));
        ArgumentException problems = Assert.Throws<ArgumentException>(() => new Embedder(model, new EmbedOptions { Layers = [5], Bin = -1 }));
        Assert.Contains("no layer 5", problems.Message, StringComparison.Ordinal);
        Assert.Contains("a bin", problems.Message, StringComparison.Ordinal);
    }

    private static float[] Embed(SequenceModel model, byte[] bases, StrandMode? strand) =>
        new Embedder(model, new EmbedOptions { Pooling = StatePooling.None, Strand = strand }).Embed([new SequenceItem("x", bases)])[0];
}
