using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Engine;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Tests.Engine;

/// <summary>A row of several segments means to a model what the segments alone mean.</summary>
[Collection(EngineCollection.Name)]
public sealed class PackedRowTests
{
    private const int Length = 48;

    private static readonly int[] s_lengths = [11, 1, 20, 9];

    public static TheoryData<string> Models => new("mamba", "attention", "caduceus-ps", "caduceus-ph", "bidirectional attention", "hybrid");

    private static ModelConfig Config(string name) => name switch
    {
        "mamba" => new ModelConfig { DModel = 8, NLayer = 2 },
        "attention" => new ModelConfig { DModel = 16, NLayer = 2, Layout = "A", Attention = new AttentionConfig { NHead = 2 } },
        "bidirectional attention" => new ModelConfig { DModel = 16, NLayer = 2, Layout = "A", Bidirectional = true, Attention = new AttentionConfig { NHead = 2 } },
        "hybrid" => new ModelConfig { DModel = 16, NLayer = 4, Layout = "MA", Attention = new AttentionConfig { NHead = 2 } },
        "caduceus-ps" => new ModelConfig { DModel = 8, NLayer = 3, Bidirectional = true, RcEquivariant = true },
        _ => new ModelConfig { DModel = 8, NLayer = 2, Bidirectional = true },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void Forward_PackedRow_GivesTheLogitsOfItsSegmentsAlone(string name)
    {
        manual_seed(3);
        using SequenceModel model = ModelFile.Create(Config(name));
        using var sampler = new PackSampler();
        foreach (double flip in (double[])[0, 1])
        {
            Batch batch = sampler.Fill(ObjectiveKind.Mlm, flip);
            using IDisposable mode = no_grad();
            using DisposeScope scope = NewDisposeScope();
            BatchTensors t = BatchTensors.Of(batch, 0, batch.Count, Device.CPU);
            Tensor packed = model.forward(t.Inputs, t.SequenceIds);
            Tensor joined = model.forward(t.Inputs);
            for (int row = 0; row < batch.Count; row++)
            {
                int[] lengths = flip == 1 ? [.. s_lengths.Reverse()] : s_lengths;
                int start = 0;
                double mixed = 0;
                foreach (int length in lengths)
                {
                    Tensor alone = model.forward(t.Inputs.narrow(0, row, 1).narrow(1, start, length));
                    Tensor there = packed.narrow(0, row, 1).narrow(1, start, length);
                    Assert.InRange((there - alone).abs().max().item(), 0, 2e-5);
                    mixed = Math.Max(mixed, (joined.narrow(0, row, 1).narrow(1, start, length) - alone).abs().max().item());
                    start += length;
                }

                Assert.True(mixed > 1e-3, "without sequence ids the segments would not see each other either: the test shows nothing");
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Fill_CausalPack_HasNoLabelAcrossABorder(double flip)
    {
        using var sampler = new PackSampler();
        Batch batch = sampler.Fill(ObjectiveKind.Causal, flip);
        int[] lengths = flip == 1 ? [.. s_lengths.Reverse()] : s_lengths;
        for (int row = 0; row < batch.Count; row++)
        {
            int at = row * Length;
            int segment = 0;
            foreach (int length in lengths)
            {
                for (int i = 0; i < length; i++, at++)
                {
                    Assert.Equal(segment, batch.SequenceIds![at]);
                    Assert.Equal(i == length - 1 ? Labels.Ignored : batch.Inputs[at + 1], batch.Labels[at]);
                }

                segment++;
            }

            for (; at < (row + 1) * Length; at++)
            {
                Assert.Equal((segment, Labels.Ignored, Alphabet.Caduceus.PadId), (batch.SequenceIds![at], batch.Labels[at], batch.Inputs[at]));
            }

            Assert.Equal(s_lengths.Sum() - s_lengths.Length, batch.TargetCounts[row]);
        }
    }

    // Packs of four intervals, and nothing else.
    private sealed class PackSampler : IWindowSampler, IDisposable
    {
        private readonly FastaGenome _genome;
        private readonly GenomeInterval[] _segments;
        private readonly string _folder = Directory.CreateTempSubdirectory("genoseq-test-").FullName;

        internal PackSampler()
        {
            string file = Path.Combine(_folder, "genome.fa");
            File.WriteAllText(file, TinyRun.Genome(8, s_lengths));
            _genome = FastaGenome.Load([file]);
            _segments = [.. s_lengths.Select((l, i) => new GenomeInterval(i, 0, l))];
        }

        public int Length => PackedRowTests.Length;

        public bool Packs => true;

        public SampleWindow At(long sampleIndex) => new(0, 0, s_lengths.Sum(), 0, 0, false, false, Pack: 0);

        public long WindowsPerEpoch(int epoch) => 1;

        public ReadOnlySpan<GenomeInterval> PackSegments(int pack) => _segments;

        internal Batch Fill(ObjectiveKind kind, double flip)
        {
            var options = new ObjectiveOptions { Kind = kind, ReverseComplementProbability = flip };
            var builder = new BatchBuilder(_genome, this, Alphabet.Caduceus, options);
            Batch batch = builder.CreateBatch(2);
            builder.Fill(new SampleRange(0, 2), batch);
            return batch;
        }

        public void Dispose()
        {
            _genome.Dispose();
            Directory.Delete(_folder, recursive: true);
        }
    }
}
