using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Tests.Configuration;

public class ConfigBinderTests
{
    private static SampleRun Bind(string yaml, params string[] overrides) =>
        ConfigBinder.Bind(ConfigTree.ParseYaml(yaml, "run.yaml").WithOverrides(overrides), SampleContext.Default.SampleRun);

    private static IReadOnlyList<ConfigProblem> Problems(string yaml, params string[] overrides) =>
        Assert.Throws<ConfigException>(() => Bind(yaml, overrides)).Problems;

    [Fact]
    public void Bind_AbsentKeys_KeepTheRecordsDefaults()
    {
        SampleRun run = Bind("model: {d_model: 64}\n");
        SampleRun expected = new() { Model = new SampleModel { DModel = 64 } };
        Assert.Equal(expected.Model.Layout, run.Model.Layout);
        Assert.Equal(SamplePrecision.BFloat16, run.Model.Precision);
        Assert.Equal(4, run.Model.NLayer);
        Assert.Equal(128, run.Model.DInner);
        Assert.Equal(expected.Optim, run.Optim);
        Assert.Equal(1000, run.Steps);
        Assert.Equal(["genome.fa"], run.Fasta);
        Assert.Null(run.Weights);
    }

    [Fact]
    public void Bind_PartOfADefaultedGroup_KeepsTheRestOfThatDefault()
    {
        SampleRun run = Bind("model: {d_model: 64}\noptim: {weight_decay: 0}\n", "optim.clip_norm=null");
        Assert.Equal(new SampleOptim { LearningRate = 8e-3, WeightDecay = 0, ClipNorm = null }, run.Optim);
    }

    [Fact]
    public void Bind_EveryKind_Binds()
    {
        SampleRun run = Bind("""
            name: "12"
            steps: 1e6
            seed: 18446744073709551615
            fasta: [a.fa, b.fa]
            weights: {chr1: 1, "chr 2": 0.5}
            model:
              d_model: 0x40
              rc_equivariant: true
              precision: float32
              mixers:
                - {d_state: 32, kind: mamba}
                - {kind: attention, n_head: 4, bias: false}
              head: {kind: mamba}
            """);
        Assert.Equal("12", run.Name);
        Assert.Equal(1_000_000, run.Steps);
        Assert.Equal(ulong.MaxValue, run.Seed);
        Assert.Equal(0.5, run.Weights!["chr 2"]);
        Assert.Equal(
            [new SampleMamba { DState = 32 }, new SampleAttention { NHead = 4, Bias = false }],
            run.Model.Mixers);
        Assert.Equal(new SampleMamba(), run.Model.Head);
    }

    [Fact]
    public void Bind_UnknownKeys_AreAllReportedWithPathLineAndNearestName()
    {
        IReadOnlyList<ConfigProblem> problems = Problems(
            "model:\n  d_model: 8\n  n_layers: 3\noptim:\n  lr: 1\nmodle: 1\n", "optim.beta2=0.9");
        Assert.Equal(["model.n_layers", "optim.lr", "optim.beta2", "modle"], problems.Select(p => p.Path));
        Assert.Equal("run.yaml:3:3", problems[0].Location.ToString());
        Assert.Equal("n_layer", problems[0].Try);
        Assert.Contains("d_model, n_layer, rc_equivariant", problems[0].Expected, StringComparison.Ordinal);
        Assert.Equal("override 'optim.beta2=0.9'", problems[2].Location.ToString());
        Assert.Equal("beta1", problems[2].Try);
        Assert.Equal("model", problems[3].Try);
        Assert.Contains("at the top level", problems[3].Expected, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("steps: many", "steps", "'many' is text", "an integer")]
    [InlineData("steps: 1.5", "steps", "1.5 is a number", "an integer")]
    [InlineData("name: 12", "name", "12 is an integer", "text")]
    [InlineData("name: null", "name", "null", "text")]
    [InlineData("seed: -1", "seed", "-1 is an integer", "at least 0")]
    [InlineData("fasta: a.fa", "fasta", "'a.fa' is text", "a sequence")]
    [InlineData("fasta: [a.fa, 3]", "fasta[1]", "3 is an integer", "text")]
    [InlineData("optim: 3", "optim", "3 is an integer", "a group")]
    [InlineData("optim: null", "optim", "null", "a group")]
    [InlineData("optim: [1]", "optim", "is a sequence", "a group")]
    [InlineData("weights: {a: x}", "weights.a", "'x' is text", "a number")]
    public void Bind_WrongType_NamesPathValueAndExpectation(string line, string path, string what, string expected)
    {
        ConfigProblem problem = Assert.Single(Problems("model: {d_model: 8}\n" + line + "\n"));
        Assert.Equal(path, problem.Path);
        Assert.Contains(what, problem.What, StringComparison.Ordinal);
        Assert.Contains(expected, problem.Expected, StringComparison.Ordinal);
        Assert.Equal(2, problem.Location!.Value.Line);
    }

    [Theory]
    [InlineData("model.d_model=5000000000", "model.d_model", "2147483647")]
    [InlineData("model.rc_equivariant=yes", "model.rc_equivariant", "true or false")]
    [InlineData("model.precision=bf32", "model.precision", "float32, bf16")]
    [InlineData("modle.d_model=4", "modle", "try model")]
    [InlineData("model.precision=bf17", "model.precision", "'bf17' is unknown")]
    [InlineData("model.precision=BFloat16", "model.precision", "float32, bf16")]
    [InlineData("model.precision=1", "model.precision", "float32, bf16")]
    [InlineData("model.d_inner=4", "model.d_inner", "derived")]
    [InlineData("model.head={kind: mambo}", "model.head.kind", "mamba, attention")]
    [InlineData("model.head={d_state: 3}", "model.head.kind", "mamba, attention")]
    [InlineData("model.head={kind: attention}", "model.head.n_head", "required and missing")]
    [InlineData("model.head={kind: mamba, n_head: 1}", "model.head.n_head", "unknown key")]
    public void Bind_WrongOverride_NamesPathAndExpectation(string argument, string path, string text)
    {
        ConfigProblem problem = Assert.Single(Problems("model: {d_model: 8}\n", argument));
        Assert.Equal(path, problem.Path);
        Assert.Contains(text, problem.ToString(), StringComparison.Ordinal);
        Assert.Contains(argument, problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Bind_MissingRequired_IsNamed()
    {
        Assert.Equal("model", Assert.Single(Problems("name: x\n")).Path);
        ConfigProblem problem = Assert.Single(Problems("model:\n  n_layer: 2\n"));
        Assert.Equal("model.d_model", problem.Path);
        Assert.Equal("run.yaml:1:1", problem.Location.ToString());
        Assert.Contains("required", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Bind_DifferentKindsOfProblems_ComeAtOnce()
    {
        IReadOnlyList<ConfigProblem> problems = Problems("model: {n_layer: x, foo: 1}\nsteps: [1]\n");
        Assert.Equal(["model.n_layer", "model.foo", "model.d_model", "steps"], problems.Select(p => p.Path));
        Assert.StartsWith("4 problems", new ConfigException(problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bind_Validation_ReportsDottedPathAndLine()
    {
        ConfigException error = Assert.Throws<ConfigException>(() => ConfigBinder.Bind(
            ConfigTree.ParseYaml("model: {d_model: 7}\noptim:\n  learning_rate: 0\n  beta1: 1\n", "run.yaml"),
            SampleContext.Default.SampleRun,
            record => record is SampleModel { DModel: 7 } ? ["d_model: must be even"] : null));
        Assert.Equal(
            ["model.d_model (run.yaml:1:9): must be even", "optim.learning_rate (run.yaml:3:3): must be positive", "optim (run.yaml:2:1): the moments diverge"],
            error.Problems.Select(p => p.ToString()));
    }

    [Fact]
    public void Bind_OtherNamingPolicy_IsRefused() =>
        Assert.Throws<ArgumentException>(() => ConfigBinder.Bind(ConfigTree.Empty, CamelContext.Default.SampleOptim));
}
