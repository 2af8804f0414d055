using GenoSeq.Emulator;
using GenoSeq.Inference.Embedding;
using GenoSeq.Inference.Streaming;
using GenoSeq.Models;
using GenoSeq.Models.Streaming;

namespace GenoSeq.Inference.Tests.Streaming;

public class ChunkedEqualsWholeTests
{
    private const int Length = 203;

    [Theory]
    [InlineData("ps", 7)]
    [InlineData("ps", 64)]
    [InlineData("ps-swapped", 13)]
    [InlineData("ph", 1)]
    [InlineData("ph", 97)]
    [InlineData("ph-multiply", 31)]
    [InlineData("ph-untied", 31)]
    [InlineData("mamba", 2)]
    [InlineData("mamba", 101)]
    [InlineData("hybrid", 5)]
    [InlineData("hybrid", 53)]
    public void Embed_InChunks_GivesWholeSequencesStates(string kind, int chunk)
    {
        using SequenceModel model = SmallModels.Build(kind);
        var options = new EmbedOptions { Pooling = StatePooling.None, Strand = StrandMode.Concat, Layers = [0, 1, -1] };
        var item = new SequenceItem("x", SmallModels.Dna(Length, 5));

        float[] whole = new Embedder(model, options).Embed([item])[0];
        float[] chunked = new Embedder(model, options with { Streaming = new StreamOptions { ChunkLength = chunk } }).Embed([item])[0];

        SmallModels.Close(whole, chunked, 1e-5, $"{kind} in chunks of {chunk}");
    }

    [Theory]
    [InlineData(StatePooling.Mean, StrandMode.Average)]
    [InlineData(StatePooling.Max, StrandMode.Rc)]
    [InlineData(StatePooling.Last, StrandMode.Concat)]
    public void Embed_BinsInChunks_GiveBinsOfWholeSequence(StatePooling pooling, StrandMode strand)
    {
        using SequenceModel model = SmallModels.Build("ps-swapped");
        var options = new EmbedOptions { Pooling = pooling, Strand = strand, Bin = 17, Layers = [2, 3] };
        var item = new SequenceItem("x", SmallModels.Dna(Length, 6));

        float[] whole = new Embedder(model, options).Embed([item])[0];
        float[] chunked = new Embedder(model, options with { Streaming = new StreamOptions { ChunkLength = 29 } }).Embed([item])[0];

        SmallModels.Close(whole, chunked, 1e-5, $"{pooling}, {strand}");
    }

    [Fact]
    public void Embed_StreamSpilledToDisk_GivesSameStates()
    {
        using SequenceModel model = SmallModels.Build("ph");
        var item = new SequenceItem("x", SmallModels.Dna(40_000, 7));
        var options = new EmbedOptions { Bin = 1000 };
        string scratch = Directory.CreateTempSubdirectory("genoseq-spill-").FullName;
        try
        {
            float[] inMemory = new Embedder(model, options with { Streaming = new StreamOptions { ChunkLength = 1024, MemoryLimit = 1 << 30 } }).Embed([item])[0];
            using var store = new HostSumStore(new ChunkPlan(5000, 1000), 8, model.ActivationType, 2 * 32_000, scratch);

            // Two chunks fit, three go to the disk.
            var expected = new List<float[]>();
            for (int c = 0; c < 5; c++)
            {
                Torch.torch.Tensor sum = store.New(c);
                sum.normal_();
                expected.Add(sum.ToArray<float>());
                store.Put(c, sum);
            }

            for (int c = 4; c >= 0; c--)
            {
                Torch.torch.Tensor sum = store.Take(c, null);
                Assert.Equal(expected[c], sum.ToArray<float>());
                store.Put(c, sum);
            }

            Assert.Equal(40 * new Embedder(model, options).Width, inMemory.Length);
            Assert.Empty(Directory.EnumerateFileSystemEntries(scratch));
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    [Theory]
    [InlineData(true, 2)]
    [InlineData(true, 1)]
    [InlineData(false, 2)]
    public void Embed_OnDeviceInChunks_GivesStatesOfCpu(bool bothSides, int layers)
    {
        using SequenceModel model = SmallModels.Build(new ModelConfig { DModel = 8, NLayer = layers, Bidirectional = bothSides, RcEquivariant = bothSides });
        var options = new EmbedOptions { Pooling = StatePooling.None };
        var item = new SequenceItem("x", SmallModels.Dna(150, 8));
        float[] whole = new Embedder(model, options).Embed([item])[0];

        // Chunks of 64 go the way of segments, the last one of 22 does not.
        using var device = new EmulatedDevice().Use();
        float[] chunked = new Embedder(model, options with { Streaming = new StreamOptions { ChunkLength = 64 } }).Embed([item])[0];

        SmallModels.Close(whole, chunked, 1e-5, "on the device");
    }

    [Theory]
    [InlineData(0.03f)]
    [InlineData(2f)]
    public void Embed_OnDeviceFromChunksEnds_GivesWholeSequencesStates(float step)
    {
        using SequenceModel model = SmallModels.Build(new ModelConfig { DModel = 8, NLayer = 3, Bidirectional = true, RcEquivariant = true });
        foreach ((string name, Torch.torch.nn.Parameter p) in model.named_parameters())
        {
            if (name.EndsWith("dt_proj.bias", StringComparison.Ordinal))
            {
                p.AsSpan<float>().Fill(MathF.Log(MathF.Exp(step) - 1)); // softplus of it is the step
            }
        }

        var options = new EmbedOptions { Pooling = StatePooling.None };
        var item = new SequenceItem("x", SmallModels.Dna(1100, 9));
        float[] whole = new Embedder(model, options).Embed([item])[0];
        var launched = new List<string>();
        using var device = new EmulatedDevice { Launched = (f, _) => launched.Add(f.Name) }.Use();
        float[] fromWholeChunks = InChunks(0);
        launched.Clear();

        float[] fromEnds = InChunks(64);

        SmallModels.Close(fromWholeChunks, fromEnds, 1e-6, $"steps of {step}");
        SmallModels.Close(whole, fromEnds, 2e-5, $"steps of {step}");
        // Two strands, three layers, four chunks of 256 and one of 76. Where 64 positions do not forget, the whole chunk follows; where the next chunk's 128 do
        // not either, its whole follows too, and the others are taken as a whole at once.
        Assert.Equal(2 * 3 * (step < 1 ? 6 : 4), launched.Count(l => l == "gs_scan_join"));

        float[] InChunks(long reach)
        {
            StreamedLayer.ForcedReach = reach;
            try
            {
                return new Embedder(model, options with { Streaming = new StreamOptions { ChunkLength = 256 } }).Embed([item])[0];
            }
            finally
            {
                StreamedLayer.ForcedReach = 0;
            }
        }
    }

    [Fact]
    public void Embed_OnDeviceInBfloat16InChunks_GivesWholeSequencesStatesToItsRounding()
    {
        using SequenceModel model = SmallModels.Build(new ModelConfig { DModel = 8, NLayer = 2, Bidirectional = true, RcEquivariant = true });
        var options = new EmbedOptions { Pooling = StatePooling.None };
        var item = new SequenceItem("x", SmallModels.Dna(150, 8));
        float[] single = new Embedder(model, options).Embed([item])[0];
        using var device = new EmulatedDevice().Use();
        model.SetComputeType(Torch.torch.bfloat16);

        foreach (Torch.ScalarType stream in (Torch.ScalarType[])[Torch.torch.bfloat16, Torch.torch.float32])
        {
            var chunks = new StreamOptions { ChunkLength = 64, StreamType = stream };
            SmallModels.Close(single, new Embedder(model, options with { Streaming = chunks }).Embed([item])[0], 0.03, $"a stream of {stream}");
        }
    }

    [Fact]
    public void Obstacle_OfModels_NamesWhatNeedsAllPositions()
    {
        using SequenceModel full = SmallModels.Build("attention");
        using SequenceModel window = SmallModels.Build("hybrid");
        Assert.Contains("sliding window", StreamedLayer.Obstacle(full), StringComparison.Ordinal);
        Assert.Null(StreamedLayer.Obstacle(window));
    }
}
