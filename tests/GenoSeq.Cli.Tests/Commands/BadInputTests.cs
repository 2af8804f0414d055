using System.IO.Compression;
using System.Text;
using GenoSeq.Models;
using GenoSeq.Torch.Safetensors;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary>What is wrong is said once, clearly, before anything is written.</summary>
public sealed class BadInputTests : IDisposable
{
    private static readonly string[] s_bounds = ["must be", " needs ", "; use "];

    private readonly Workspace _work = new();

    public void Dispose() => _work.Dispose();

    public static TheoryData<string, int, string, string> Starts { get; } = new()
    {
        { "data.files=[{0}/absent.fa]", 3, "absent.fa", "path" },
        { "data.files=[{0}/empty.fa]", 3, "empty.fa", "" },
        { "data.files=[{0}/protein.fa]", 3, "protein", "" },
        { "data.files=[{0}/cut.fa.gz]", 3, "cut.fa.gz", "" },
        { "data.context_length=100000 train.global_batch_size=100000", 3, "100", "context" },
        { "data.validation_fraction=null data.split_bed={0}/split.bed", 3, "c9", "c1" },
        { "data.validation_fraction=null data.split_bed={0}/absent.bed", 3, "absent.bed", "" },
        { "data.validation_fraction=null data.holdout_contigs=[c22]", 3, "c22", "c2" },
        { "train.stepz=4", 2, "stepz", "steps" },
        { "tran.steps=4", 2, "tran", "train" },
        { "train.steps=many", 2, "train.steps", "" },
        { "train.steps=-1 train.warmup_steps=0", 2, "train.steps", "" },
        { "train.steps", 2, "train.steps", "=" },
        { "device=tpu", 2, "tpu", "cuda" },
        { "device=cuda", 4, "cuda", "cpu" },
        { "model.bidirectional=true objective.kind=causal", 2, "bidirectional", "mlm" },
        { "model.rc_equivariant=true model.bidirectional=false objective.kind=causal", 2, "rc_equivariant", "" },
        { "data.validation_fraction=0 report.must_beat=uniform", 2, "report", "validation_fraction" },
        { "data.validation_fraction=0 train.patience=2", 2, "train.patience", "validation_fraction" },
        { "report.baselines=[flank-99]", 2, "flank-99", "flank-6" },
    };

    [Theory]
    [MemberData(nameof(Starts))]
    public async Task Pretrain_CannotStart_SaysWhyOnceAndLeavesNothing(string overrides, int code, string names, string advises)
    {
        MakeFiles();
        string[] arguments =
        [
            "pretrain", "-c", _work["mlm.yaml"], "-o", _work["run"], $"data.files=[{_work["genome.fa"]}]",
            .. overrides.Replace("{0}", _work.Folder, StringComparison.Ordinal).Split(' '),
        ];
        AssertRefused(await Genoseq.InProcessAsync(arguments), "pretrain", code, names, advises);
        Assert.False(Path.Exists(_work["run"]), "a run that never began left a folder");
    }

    [Theory]
    [InlineData("pretrain -c {0}/absent.yaml", 2, "absent.yaml", "config")]
    [InlineData("pretrain --preset caduceus-ps-tinny data.files=[x.fa]", 2, "caduceus-ps-tinny", "caduceus-ps-tiny")]
    [InlineData("pretrain", 2, "nothing says", "--preset")]
    [InlineData("pretrain -c {0}/broken.yaml", 2, "broken.yaml", "")]
    [InlineData("pretrain -c {0}/twice.yaml", 2, "twice.yaml", "")]
    [InlineData("pretrain -c {0}/mlm.yaml --threads 0", 2, "threads", "--help")]
    [InlineData("pretrain -c {0}/mlm.yaml --resum never", 2, "--resum", "--resume")]
    [InlineData("pretrain -c {0}/mlm.yaml data.files=[{0}/genome.fa] --resume {0}/absent", 2, "resume", "--resume")]
    [InlineData("pretrian", 2, "pretrian", "pretrain")]
    [InlineData("info {0}/absent.fa", 3, "absent.fa", "")]
    [InlineData("info {0}/absent.safetensors", 3, "absent.safetensors", "")]
    [InlineData("info {0}/hostile.safetensors", 3, "hostile.safetensors", "")]
    [InlineData("info {0}/wrong", 3, "missing", "config.json")]
    [InlineData("convert {0}/wrong -o {0}/converted", 3, "missing", "config.json")]
    [InlineData("convert {0}/absent -o {0}/converted", 3, "absent", "")]
    [InlineData("convert {0}/right -o {0}/converted --to gguf", 2, "gguf", "genoseq")]
    [InlineData("convert {0}/right -o {0}/wrong", 2, "not empty", "--out")]
    [InlineData("verify --config {0}/wrong/config.json --weights {0}/wrong/model.safetensors --reference {0}/hostile.safetensors", 3, "missing", "config.json")]
    [InlineData("verify --config {0}/right/config.json --weights {0}/hostile.safetensors --reference {0}/hostile.safetensors", 3, "hostile", "")]
    [InlineData("config show --preset mamba-tiny train.steps=0 train.warmup_steps=0 data.files=[x.fa]", 2, "train.steps", "")]
    public async Task Verb_BadInput_SaysWhyOnce(string line, int code, string names, string advises)
    {
        MakeFiles();
        string[] arguments = line.Split(' ');
        string verb = arguments[0] == "config" ? "config show" : arguments[0] == "pretrian" ? "" : arguments[0];
        Answer answer = await Genoseq.InProcessAsync([.. arguments.Select(a => a.Replace("{0}", _work.Folder, StringComparison.Ordinal))]);
        AssertRefused(answer, verb, code, names, advises);
        Assert.False(Path.Exists(_work["converted"]));
    }

    [Fact]
    public async Task Pretrain_SeveralProblems_AllAreListed()
    {
        Answer answer = await Genoseq.InProcessAsync("pretrain", "-c", _work["mlm.yaml"], "train.steps=0", "train.beta1=2", "checkpoint.keep=0");
        Assert.Equal(2, answer.ExitCode);
        Assert.All(["train.steps", "train.beta1", "checkpoint.keep"], name => Assert.Contains(name, answer.Error, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pretrain_MissingFastaInAProcess_ExitsWith3AndSilentOutput()
    {
        Answer answer = await Genoseq.RunAsync(_work.Folder, "pretrain", "-c", "mlm.yaml", "-o", "run", "data.files=[absent.fa]");
        AssertRefused(answer, "pretrain", 3, "absent.fa", "path");
        Assert.False(Path.Exists(_work["run"]));
    }

    [Fact]
    public async Task Pretrain_ExistingRun_IsNotOverwrittenNorContinuedOtherwise()
    {
        string[] command = ["pretrain", "-c", _work["mlm.yaml"], "-o", _work["run"], $"data.files=[{_work["genome.fa"]}]", "train.steps=4"];
        Answer first = await Genoseq.InProcessAsync(command);
        Assert.True(first.ExitCode == 0, first.Error);
        byte[] metrics = File.ReadAllBytes(_work["run/metrics.jsonl"]);

        AssertRefused(await Genoseq.InProcessAsync([.. command, "--resume", "never"]), "pretrain", 2, "run already", "--out");

        Answer changed = await Genoseq.InProcessAsync([.. command, "train.learning_rate=0.02", "model.d_model=16", "seed=7"]);
        Assert.Equal(2, changed.ExitCode);
        Assert.Empty(changed.Out);
        Assert.All(["train.learning_rate", "model.d_model", "seed"], name => Assert.Contains(name, changed.Error, StringComparison.Ordinal));
        Assert.DoesNotContain("beta1", changed.Error, StringComparison.Ordinal);
        Assert.Equal(metrics, File.ReadAllBytes(_work["run/metrics.jsonl"]));
    }

    [Fact]
    public async Task Pretrain_Diverging_ExitsWith1AndNamesStepAndWeight()
    {
        Answer answer = await Genoseq.InProcessAsync("pretrain", "-c", _work["mlm.yaml"], "-o", _work["run"], $"data.files=[{_work["genome.fa"]}]",
            "train.learning_rate=1e30", "train.warmup_steps=0", "train.clip_norm=0");
        AssertRefused(answer, "pretrain", 1, "diverged at step", "train.learning_rate");
    }

    private static void AssertRefused(Answer answer, string verb, int code, string names, string advises)
    {
        Assert.True(answer.ExitCode == code, $"exit code {answer.ExitCode}: {answer.Error}{answer.Out}");
        Assert.Empty(answer.Out);
        string[] lines = answer.Error.Split('\n');
        string prefix = verb.Length > 0 ? $"genoseq {verb}: error: " : "genoseq: error: ";
        string error = Assert.Single(lines, l => l.StartsWith(prefix, StringComparison.Ordinal));
        Assert.Contains(names, error, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(advises, answer.Error, StringComparison.Ordinal);

        // What to do is in lines of its own, or, where one value is out of bounds, in the bounds that the sentence names.
        Assert.True(lines.Any(l => l.StartsWith("  expected: ", StringComparison.Ordinal) || l.StartsWith("  try: ", StringComparison.Ordinal))
            || s_bounds.Any(b => error.Contains(b, StringComparison.Ordinal)), answer.Error);
        Assert.DoesNotContain("   at ", answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", answer.Error, StringComparison.Ordinal);
    }

    private void MakeFiles()
    {
        File.WriteAllText(_work["empty.fa"], "");
        File.WriteAllText(_work["protein.fa"], ">p\nMKVLAAGIVGLLLAQWERTYIPASDFGHKLCVNM\n");
        File.WriteAllText(_work["split.bed"], "c1\t0\t3000\ttrain\nc9\t0\t100\tvalid\n");
        File.WriteAllText(_work["broken.yaml"], "train: {steps: 3\n");
        File.WriteAllText(_work["twice.yaml"], "train:\n  steps: 3\n  steps: 4\n");
        using (var memory = new MemoryStream())
        {
            using (var gzip = new GZipStream(memory, CompressionLevel.Optimal, leaveOpen: true))
            {
                gzip.Write(Encoding.ASCII.GetBytes(File.ReadAllText(_work["genome.fa"])));
            }

            File.WriteAllBytes(_work["cut.fa.gz"], memory.ToArray()[..^40]);
        }

        File.WriteAllBytes(_work["hostile.safetensors"], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, (byte)'{']);
        var config = new ModelConfig { DModel = 8, NLayer = 1 };
        using SequenceModel model = ModelFile.Create(config);
        ModelFile.Save(model, _work["right"]);
        Directory.CreateDirectory(_work["wrong"]);
        File.Copy(_work["right/config.json"], _work["wrong/config.json"], overwrite: true);
        SafetensorsWriter.WriteFile(_work["wrong/model.safetensors"], [SafetensorsSource.FromArray("other.weight", [2], new[] { 1f, 2f })]);
    }
}
