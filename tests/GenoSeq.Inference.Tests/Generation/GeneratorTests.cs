using System.Text;
using GenoSeq.Data;
using GenoSeq.Emulator;
using GenoSeq.Inference.Generation;
using GenoSeq.Inference.Scoring;
using GenoSeq.Inference.Tests.Scoring;
using GenoSeq.Models;
using GenoSeq.Models.Stepping;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Tests.Generation;

/// <summary>Generated sequences: reproducible, independent of the batch, from the model's own distribution.</summary>
public sealed class GeneratorTests
{
    [Theory]
    [InlineData("M", 0)]
    [InlineData("M A", 9)]
    public void Run_AnyBatch_GivesTheSameSequences(string layout, int window)
    {
        using SequenceModel model = ScoringModels.Causal(layout, window);
        var options = new GenerationOptions { Count = 3, MaxBases = 300, Seed = 4 };
        ScoreItem[] prompts = [new("a", ScoringModels.Bases(30)), new("b", ScoringModels.Bases(1)), new("empty", default(ReadOnlyMemory<byte>))];
        string[] alone = Texts(model, options with { Batch = 1 }, prompts);
        Assert.Equal(9, alone.Distinct().Count());
        Assert.All(alone, s => Assert.Equal((300, 0), (s.Length, s.Trim('A', 'C', 'G', 'T').Length)));
        Assert.Equal(alone, Texts(model, options with { Batch = 4 }, prompts));
        Assert.Equal(alone, Texts(model, options with { Batch = 64, PromptPiece = 7 }, prompts));
        Assert.NotEqual(alone[0], Texts(model, options with { Seed = 5 }, prompts)[0]);
        Assert.All(Texts(model, options with { MaxBases = 1 }, prompts).Zip(alone), p => Assert.Equal(p.First, p.Second[..1]));
    }

    [Theory]
    [InlineData("M A")]
    [InlineData("titans-mlp mamba3")]
    public void Run_Greedy_TakesTheMostLikelyBase(string layout)
    {
        using SequenceModel model = ScoringModels.Causal(layout);
        byte[] prompt = ScoringModels.Bases(20);
        byte[] bases = new Generator(model, new GenerationOptions { Temperature = 0, MaxBases = 25 }).Run([new ScoreItem("p", prompt)])[0].Bases;
        byte[] whole = [.. prompt, .. bases];
        int[] ids = new int[whole.Length];
        Alphabet.Caduceus.Encode(whole, ids);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        float[] logits = model.forward(tensor(ids, 1, ids.Length)).ToArray<float>();
        int[] choices = [.. "ACGT"u8.ToArray().Select(Alphabet.Caduceus.Encode)];
        for (int t = prompt.Length; t < whole.Length; t++)
        {
            Assert.Equal(choices.MaxBy(c => logits[(16 * (t - 1)) + c]), ids[t]);
        }
    }

    [Fact]
    public void Run_ManyDraws_FollowTheDistribution()
    {
        using SequenceModel model = ScoringModels.Causal();
        byte[] prompt = ScoringModels.Bases(12);
        int[] ids = new int[12];
        Alphabet.Caduceus.Encode(prompt, ids);
        double[] p;
        using (DisposeScope scope = NewDisposeScope())
        using (no_grad())
        {
            float[] logits = model.forward(tensor(ids, 1, 12)).select(1, 11).ToArray<float>();
            double[] e = [.. "ACGT"u8.ToArray().Select(b => Math.Exp(logits[Alphabet.Caduceus.Encode(b)]))];
            p = [.. e.Select(x => x / e.Sum())];
        }

        const int Draws = 4000;
        IReadOnlyList<GeneratedSequence> drawn = new Generator(model, new GenerationOptions { Count = Draws, MaxBases = 1, Batch = 500 }).Run([new ScoreItem("p", prompt)]);
        for (int b = 0; b < 4; b++)
        {
            double share = drawn.Count(s => s.Bases[0] == "ACGT"[b]) / (double)Draws;
            Assert.InRange(share, p[b] - (5 * Math.Sqrt(p[b] / Draws)), p[b] + (5 * Math.Sqrt(p[b] / Draws)));
        }
    }

    [Fact]
    public void Run_Limits_AreKept()
    {
        using SequenceModel model = ScoringModels.Causal();
        var options = new GenerationOptions { Count = 4, MaxBases = 600, Stop = "GAT", Batch = 3 };
        string[] free = Texts(model, options with { Stop = null }, null);
        string[] stopped = Texts(model, options, null);
        Assert.All(free.Zip(stopped), p => Assert.Equal(p.First.IndexOf("GAT", StringComparison.Ordinal) is var at and >= 0 ? p.First[..(at + 3)] : p.First, p.Second));
        Assert.All(Texts(model, options with { Stop = null, Letters = "AC", TopK = 1 }, null), s => Assert.Equal("", s.Trim('A', 'C')));
        using SequenceModel masked = ScoringModels.Masked();
        Assert.Throws<NotSupportedException>(() => new Generator(masked));
        Assert.Equal(5, new GenerationOptions { Count = 0, MaxBases = 0, Temperature = -1, TopP = 0, Letters = "AA" }.Validate().Count);
    }

    [Fact]
    public void Run_LongSequence_NeedsNoMoreMemory()
    {
        using SequenceModel model = ScoringModels.Causal("M A", 16);
        var bytes = new HashSet<long>();
        var sink = new Counter();
        new Generator(model, new GenerationOptions { MaxBases = 5000 }).Run(null, sink, s => bytes.Add(s.StateBytes));
        Assert.Equal((5000L, 1), (sink.Bases, sink.Ends));
        Assert.Single(bytes);
    }

    [Fact]
    public void Run_OnTheDevice_GivesTheSame()
    {
        using SequenceModel model = ScoringModels.Causal("M A", 9);
        var options = new GenerationOptions { Count = 2, MaxBases = 60 };
        ScoreItem[] prompts = [new("a", ScoringModels.Bases(20))];
        string[] expected = Texts(model, options, prompts);
        using EmulatedDevice.Scope device = new EmulatedDevice().Use();
        Assert.Equal(expected, Texts(model, options, prompts));
    }

    [Fact]
    public void Uniform_IsTheDataLayersStream()
    {
        ulong key = CounterRandom.Key(9, "generate");
        var random = new CounterRandom(key, 3);
        for (ulong k = 0; k < 9; k++)
        {
            Assert.Equal(random.NextDouble(), HostStepSampler.Uniform(key, 3, k));
        }
    }

    private static string[] Texts(SequenceModel model, GenerationOptions options, ScoreItem[]? prompts) =>
        [.. new Generator(model, options).Run(prompts).Select(s => Encoding.ASCII.GetString(s.Bases))];

    private sealed class Counter : IGenerationSink
    {
        internal long Bases { get; private set; }

        internal int Ends { get; private set; }

        public void Begin(long number, string prompt, int copy, ReadOnlySpan<byte> promptBases)
        {
        }

        public void Append(ReadOnlySpan<byte> bases) => Bases += bases.Length;

        public void End() => Ends++;
    }
}
