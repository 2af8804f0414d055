using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Tests.Configuration;

public class ConfigWriterTests
{
    private static readonly string[] s_words =
    [
        "", " ", "a", "true", "No", "null", "~", "12", "1e3", ".5", "-", "- a", "a: b", "a #b", "#", "x\ny", "\t", "é", "\u0001", "'", "\"", "\\",
        "M M A", "M  A", " a", "a ", "{", "[a]", "*x", "&x", "!t", "%", "@", "chr1:1-2", "/abs/path.fa", "../rel", "2026-11-22", "1_0", "<<", "=", "\U0001F9EC", "?", "|", ">", "\u2028", "\uFEFF",
    ];

    [Fact]
    public void ToYaml_Record_IsReadable()
    {
        SampleRun run = new()
        {
            Model = new SampleModel { DModel = 64, Mixers = [new SampleMamba(), new SampleAttention { NHead = 2 }] },
            Weights = new Dictionary<string, double> { ["chr1"] = 1, ["1"] = 1e-7 },
            Fasta = ["a.fa", "b: c"],
        };
        const string Expected = """
            model:
              d_model: 64  # width of the residual stream
              n_layer: 4
              rc_equivariant: false
              a_log: 0
              layout: M M A
              precision: bf16
              mixers:
                - kind: mamba
                  d_state: 16
                  expand: 2
                  bias: true
                - kind: attention
                  n_head: 2
                  bias: true
              head: null
            optim:  # how the weights move
              learning_rate: 0.008
              weight_decay: 0.1
              beta1: 0.9
              clip_norm: 1.0
            name: run
            steps: 1000
            seed: 42
            fasta: [a.fa, "b: c"]
            weights:
              chr1: 1.0
              "1": 1.0e-07

            """;
        Assert.Equal(Expected.ReplaceLineEndings("\n"), ConfigWriter.ToYaml(run, SampleContext.Default.SampleRun));
    }

    [Fact]
    public void ToYaml_DocCallback_ReplacesTheDescriptions()
    {
        string yaml = ConfigWriter.ToYaml(new SampleMamba(), SampleContext.Default.SampleMamba, path => path == "d_state" ? "two\nlines" : null);
        Assert.Contains("d_state: 16  # two lines\n", yaml, StringComparison.Ordinal);
    }

    [Fact]
    public void ToYaml_NonFinite_IsRefusedWithItsPath()
    {
        SampleRun run = new() { Model = new SampleModel { DModel = 1 }, Optim = new() { Beta1 = double.NaN } };
        ConfigException error = Assert.Throws<ConfigException>(() => ConfigWriter.ToYaml(run, SampleContext.Default.SampleRun));
        Assert.Equal("optim.beta1", error.Problems[0].Path);
    }

    [Fact]
    public void Write_AnyText_ReadsAsItself()
    {
        foreach (string word in s_words)
        {
            JsonObject tree = new() { ["k" + word] = word, ["list"] = new JsonArray(word, word), ["deep"] = new JsonArray(new JsonObject { ["x"] = word }, new JsonArray(word)) };
            string yaml = YamlText.Write(tree);
            Assert.Equal(tree.ToJsonString(), ConfigTree.ParseYaml(yaml, "f.yaml").ToNode().ToJsonString());
        }
    }

    [Fact]
    public void Bind_OfWritten_GivesTheRecordBack()
    {
        Random random = new(20260101);
        for (int i = 0; i < 500; i++)
        {
            SampleRun run = RandomRun(random);
            string yaml = ConfigWriter.ToYaml(run, SampleContext.Default.SampleRun);
            string json = ConfigWriter.ToJson(run, SampleContext.Default.SampleRun);
            foreach (ConfigTree tree in new[] { ConfigTree.ParseYaml(yaml, "f.yaml"), ConfigTree.ParseJson(json, "f.json"), ConfigTree.FromNode(ConfigWriter.ToNode(run, SampleContext.Default.SampleRun), "preset x") })
            {
                SampleRun back = ConfigBinder.Bind(tree, SampleContext.Default.SampleRun);
                Assert.Equal(run.Optim, back.Optim);
                Assert.Equal(run.Fasta, back.Fasta);
                Assert.Equal(run.Model.Mixers, back.Model.Mixers);
                Assert.Equal(run.Weights, back.Weights);
                Assert.Equal(
                    run with { Optim = back.Optim, Fasta = back.Fasta, Weights = back.Weights, Model = run.Model with { Mixers = back.Model.Mixers } },
                    back);
                Assert.Equal(yaml, ConfigWriter.ToYaml(back, SampleContext.Default.SampleRun));
            }
        }
    }

    private static SampleRun RandomRun(Random random) => new()
    {
        Model = new SampleModel
        {
            DModel = random.Next(),
            NLayer = -random.Next(100),
            RcEquivariant = random.Next(2) == 0,
            Layout = Word(random),
            Precision = (SamplePrecision)random.Next(2),
            Mixers = [.. Enumerable.Range(0, random.Next(4)).Select(_ => Mixer(random))],
            Head = random.Next(2) == 0 ? null : Mixer(random),
        },
        Optim = new SampleOptim
        {
            LearningRate = Math.Exp((random.NextDouble() - 0.5) * 600),
            WeightDecay = random.Next(3) - 1,
            Beta1 = random.NextDouble(),
            ClipNorm = random.Next(3) == 0 ? null : (float)Math.Exp((random.NextDouble() - 0.5) * 60),
        },
        Name = Word(random),
        Steps = random.NextInt64(long.MinValue, long.MaxValue),
        Seed = (ulong)random.NextInt64() * 2 + 1,
        Fasta = [.. Enumerable.Range(0, random.Next(4)).Select(_ => Word(random))],
        Weights = random.Next(3) == 0 ? null : Enumerable.Range(0, random.Next(4)).ToDictionary(
            i => i.ToString(CultureInfo.InvariantCulture) + Word(random), _ => random.NextDouble()),
    };

    private static SampleMixer Mixer(Random random) => random.Next(2) == 0
        ? new SampleMamba { DState = random.Next(), Bias = random.Next(2) == 0 }
        : new SampleAttention { NHead = random.Next() };

    private static string Word(Random random) =>
        string.Concat(Enumerable.Range(0, random.Next(1, 3)).Select(_ => s_words[random.Next(s_words.Length)]));
}
