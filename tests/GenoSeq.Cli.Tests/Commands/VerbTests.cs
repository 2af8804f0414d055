using System.Diagnostics;
using System.Text.RegularExpressions;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary>What the verbs say when all is well.</summary>
public sealed partial class VerbTests : IDisposable
{
    private readonly Workspace _work = new();

    public void Dispose() => _work.Dispose();

    private string[] Pretrain(string recipe, params string[] more) =>
        ["pretrain", "-c", _work[recipe + ".yaml"], "-o", _work["run"], $"data.files=[{_work["genome.fa"]}]", .. more];

    [Theory]
    [InlineData("")]
    [InlineData("pretrain")]
    [InlineData("models")]
    [InlineData("info")]
    [InlineData("convert")]
    [InlineData("verify")]
    [InlineData("config show")]
    [InlineData("config ls")]
    [InlineData("doctor")]
    [InlineData("score")]
    [InlineData("generate")]
    [InlineData("bench kernels")]
    [InlineData("bench step")]
    [InlineData("bench memory")]
    public async Task Help_Verb_HasExamplesThatBeginWithIt(string verb)
    {
        Answer answer = await Genoseq.InProcessAsync([.. verb.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        Assert.Equal(0, answer.ExitCode);
        Assert.Empty(answer.Error);
        int examples = answer.Out.IndexOf("Examples:", StringComparison.Ordinal);
        Assert.True(examples > 0, answer.Out);
        Assert.Contains($"genoseq {verb}".TrimEnd(), answer.Out[examples..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_Process_SaysNameAndVersionOnLineOne()
    {
        Answer answer = await Genoseq.RunAsync(_work.Folder, "--version");
        Assert.Equal(0, answer.ExitCode);
        Assert.Matches(VersionLine(), answer.Out.Split('\n')[0]);
        Assert.Contains("libtorch", answer.Out, StringComparison.Ordinal);
        Assert.Empty(answer.Error);
    }

    [Fact]
    public async Task Models_Presets_HaveThePublishedCounts()
    {
        Answer answer = await Genoseq.InProcessAsync("models");
        Assert.Equal(0, answer.ExitCode);
        string line = Assert.Single(answer.Out.Split('\n'), l => l.StartsWith("caduceus-ps-131k ", StringComparison.Ordinal));
        Assert.Contains(" 7,725,312 ", line, StringComparison.Ordinal);
        string mixer = Assert.Single(answer.Out.Split('\n'), l => l.StartsWith("mamba3 ", StringComparison.Ordinal));
        Assert.Contains(" E2 matrix, scalar decay ", mixer, StringComparison.Ordinal);
        // The other two that speed is compared with: as many as the reference implementations' models have.
        Assert.Contains(answer.Out.Split('\n'), l => l.StartsWith("caduceus-ph-131k ", StringComparison.Ordinal) && l.Contains(" 7,725,312 ", StringComparison.Ordinal));
        Assert.Contains(answer.Out.Split('\n'), l => l.StartsWith("transformer-25m ", StringComparison.Ordinal) && l.Contains(" 25,707,008 ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Info_Fasta_CountsContigsAndBases()
    {
        File.WriteAllText(_work["small.fa"], ">x one\nACGTNNacgt\nGG\n>y\nTTTT\n");
        Answer answer = await Genoseq.InProcessAsync("info", _work["small.fa"]);
        Assert.Equal(0, answer.ExitCode);
        string x = Assert.Single(answer.Out.Split('\n'), l => l.StartsWith("x ", StringComparison.Ordinal));
        Assert.Equal(["x", "12", "60.00 %", "2", "4"], Cells().Split(x.Trim()));
        Assert.Contains("2 contigs, 16 bases", answer.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Info_RunCheckpointAndWeights_SayWhatTheyAre()
    {
        Answer train = await Genoseq.InProcessAsync(Pretrain("mlm", "train.steps=4"));
        Assert.True(train.ExitCode == 0, train.Error);
        Assert.Empty(train.Out);

        Answer run = await Genoseq.InProcessAsync("info", _work["run"]);
        Assert.Contains("\"exit_reason\": \"completed\"", run.Out, StringComparison.Ordinal);
        Assert.Contains("step 4, 1024 tokens", run.Out, StringComparison.Ordinal);

        Answer checkpoint = await Genoseq.InProcessAsync("info", _work["run/checkpoints/step-000004"]);
        Assert.Contains("family      caduceus-ps", checkpoint.Out, StringComparison.Ordinal);
        Assert.Contains("parameters  4,568", checkpoint.Out, StringComparison.Ordinal);
        Assert.Contains("step        4", checkpoint.Out, StringComparison.Ordinal);

        Answer weights = await Genoseq.InProcessAsync("info", _work["run/checkpoints/step-000004/model.safetensors"]);
        Assert.Matches(new Regex(@"[0-9]+ tensors, [0-9,]+ elements, [0-9,]+ bytes"), weights.Out);
        Assert.Contains("format: pt", weights.Out, StringComparison.Ordinal);
        Assert.All([run, checkpoint, weights], a => Assert.Equal(0, a.ExitCode));
    }

    [Theory]
    [InlineData("mlm")]
    [InlineData("causal")]
    public async Task ConfigShow_ItsOwnOutput_ShowsTheSame(string recipe)
    {
        Answer first = await Genoseq.InProcessAsync("config", "show", "-c", _work[recipe + ".yaml"], "train.beta2=0.97", "name='1e5'");
        Assert.True(first.ExitCode == 0, first.Error);
        Assert.Contains("beta2: 0.97", first.Out, StringComparison.Ordinal);
        File.WriteAllText(_work["shown.yaml"], first.Out);
        Answer second = await Genoseq.InProcessAsync("config", "show", "-c", _work["shown.yaml"]);
        Assert.Equal(first.Out, second.Out);
    }

    [Fact]
    public async Task ConfigShow_EveryPreset_IsACompleteConfiguration()
    {
        Answer list = await Genoseq.InProcessAsync("config", "ls");
        string[] presets = [.. list.Out.Split('\n').Where(l => l.Contains("  preset  ", StringComparison.Ordinal)).Select(l => l.Split(' ')[0])];
        Assert.True(presets.Length > 10);
        foreach (string preset in presets)
        {
            Answer shown = await Genoseq.InProcessAsync("config", "show", "--preset", preset, "data.files=[x.fa]");
            Assert.True(shown.ExitCode == 0, shown.Error);
            Assert.Contains($"name: {preset}", shown.Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task DryRun_Recipe_PrintsFactsAndWritesNothing()
    {
        string[] before = [.. Directory.EnumerateFileSystemEntries(_work.Folder).Order(StringComparer.Ordinal)];
        Answer answer = await Genoseq.RunAsync(_work.Folder, "pretrain", "-c", "mlm.yaml", "-o", "run", "--dry-run");
        Assert.True(answer.ExitCode == 0, answer.Error);
        Assert.Contains("4,568 parameters", answer.Out, StringComparison.Ordinal);
        Assert.Contains("4 windows, 256 tokens", answer.Out, StringComparison.Ordinal);
        Assert.Contains("30 steps, 7,680 tokens", answer.Out, StringComparison.Ordinal);
        Assert.Equal(before, Directory.EnumerateFileSystemEntries(_work.Folder).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("flank-2", 1)]
    [InlineData("uniform", 1)]
    public async Task Pretrain_MustBeatMissed_ExitsWith1AndPrintsTheTable(string mustBeat, int code)
    {
        Answer answer = await Genoseq.InProcessAsync(Pretrain("mlm", "train.steps=4", "report.baselines=[flank-2]", $"report.must_beat={mustBeat}"));
        Assert.Equal(code, answer.ExitCode);
        Assert.Contains($"not below {mustBeat}", answer.Error, StringComparison.Ordinal);
        Assert.Equal(["uniform", "flank-2", "caduceus-ps"], answer.Out.Split('\n').Skip(2).Where(l => l.Length > 0).Select(l => l.Split(' ')[0]));
    }

    [Fact]
    public async Task Pretrain_MustBeatReached_ExitsWith0()
    {
        // A genome of one repeated word: even a tiny model soon needs fewer than 2 bits.
        File.WriteAllText(_work["genome.fa"], ">c1\n" + string.Concat(Enumerable.Repeat("ACGGTTACAG", 500)) + "\n");
        Answer answer = await Genoseq.InProcessAsync(Pretrain("causal", "train.steps=80", "train.learning_rate=0.02", "report.must_beat=uniform", "train.validate_every=0"));
        Assert.True(answer.ExitCode == 0, answer.Error + answer.Out);
    }

    [Fact]
    public async Task Pretrain_Run_RecordsWhatWasAskedOfWhat()
    {
        Answer answer = await Genoseq.RunAsync(_work.Folder, "pretrain", "-c", "mlm.yaml", "-o", "run", "train.steps=2", "train.warmup_steps=1", "--seed", "9");
        Assert.True(answer.ExitCode == 0, answer.Error);
        Assert.Empty(answer.Out);
        Assert.Contains("train.steps=2", File.ReadAllText(_work["run/command.txt"]), StringComparison.Ordinal);
        Assert.Equal("- 'train.steps=2'\n- 'train.warmup_steps=1'\n- 'seed=9'\n", File.ReadAllText(_work["run/overrides.yaml"]));
        Assert.Contains("seed: 9", File.ReadAllText(_work["run/config.yaml"]), StringComparison.Ordinal);
        Assert.Contains("\"libtorch\"", File.ReadAllText(_work["run/environment.json"]), StringComparison.Ordinal);
        string manifest = File.ReadAllText(_work["run/data_manifest.json"]);
        Assert.Contains("\"bases\": 7000", manifest, StringComparison.Ordinal);
        string sha = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(_work["genome.fa"])));
        Assert.Contains(sha, manifest, StringComparison.Ordinal);

        // The folder's own configuration is enough to run it again.
        Answer again = await Genoseq.RunAsync(_work.Folder, "pretrain", "-c", "run/config.yaml", "-o", "again", "-q");
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.Empty(again.Error);
        Assert.Equal(File.ReadAllBytes(_work["run/checkpoints/step-000002/model.safetensors"]), File.ReadAllBytes(_work["again/checkpoints/step-000002/model.safetensors"]));
    }

    [Fact]
    public void Models_ReaderGone_IsQuiet()
    {
        using Process shell = Process.Start(new ProcessStartInfo("bash", ["-c", $"set -o pipefail; dotnet '{Genoseq.Dll}' models | true"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        string error = shell.StandardError.ReadToEnd();
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
        Assert.DoesNotContain("rror", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^genoseq [0-9]+\.[0-9]+\.[0-9]+([+-]\S+)?$")]
    private static partial Regex VersionLine();

    [GeneratedRegex(" {2,}")]
    private static partial Regex Cells();
}
