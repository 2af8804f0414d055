using GenoSeq.Models;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary>Scoring and generation from the command line: what goes in, what comes out, and what is refused.</summary>
public sealed class ScoreGenerateTests : IDisposable
{
    private readonly Workspace _work = new();

    public ScoreGenerateTests()
    {
        Save("causal", new ModelConfig { DModel = 8, NLayer = 1 });
        Save("masked", new ModelConfig { DModel = 8, NLayer = 1, Bidirectional = true, RcEquivariant = true });
    }

    public void Dispose() => _work.Dispose();

    [Fact]
    public async Task Score_Genome_WritesTableAndBedGraph()
    {
        Answer answer = await Genoseq.InProcessAsync("score", "--checkpoint", _work["causal"], "--genome", _work["genome.fa"], "--region", "c2:11-40",
            "--region", "c1", "--per-base", _work["bases.bedgraph"], "-o", _work["scores.tsv"], "--window", "1000");
        Assert.True(answer.ExitCode == 0, answer.Error);
        string[] rows = File.ReadAllLines(_work["scores.tsv"]);
        Assert.Equal("id\tlength\tscored_bases\tlog_likelihood\tbits_per_base", rows[0]);
        Assert.StartsWith("c2:11-40\t30\t29\t-", rows[1], StringComparison.Ordinal);
        Assert.StartsWith("c1:1-4000\t4000\t3999\t-", rows[2], StringComparison.Ordinal);
        string[] bases = File.ReadAllLines(_work["bases.bedgraph"]);
        Assert.Equal(29 + 3999, bases.Length);
        Assert.StartsWith("c2\t11\t12\t-", bases[0], StringComparison.Ordinal);
        Assert.Contains("bits per base", answer.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await Genoseq.InProcessAsync("score", "--checkpoint", _work["causal"], "--genome", _work["genome.fa"], "-o", _work["scores.tsv"])).ExitCode);
    }

    [Fact]
    public async Task Score_Variants_JudgesThemByLabels()
    {
        string genome = string.Concat(File.ReadAllLines(_work["genome.fa"]).Skip(1).TakeWhile(l => !l.StartsWith('>')));
        IEnumerable<string> records = Enumerable.Range(100, 40).Select(i =>
            $"c1\t{i + 1}\t.\t{genome[i]}\t{(genome[i] == 'A' ? 'C' : 'A')}\t.\t.\tL={(i % 3 == 0 ? "P" : "B")}");
        File.WriteAllText(_work["v.vcf"], "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + string.Join('\n', records) + "\n");
        string[] words = ["score", "--checkpoint", _work["masked"], "--genome", _work["genome.fa"], "--vcf", _work["v.vcf"], "--context", "30"];
        Answer answer = await Genoseq.InProcessAsync([.. words, "--label-column", "L", "--positive", "P", "-o", _work["v.tsv"], "--report", _work["report.tsv"]]);
        Assert.True(answer.ExitCode == 0, answer.Error);
        Assert.Equal(41, File.ReadAllLines(_work["v.tsv"]).Length);
        Assert.Contains("flank-4", answer.Out, StringComparison.Ordinal);
        Assert.Matches("^model\t40\t1[34]\t0\\.[0-9]+$", File.ReadAllLines(_work["report.tsv"])[1]);
        Answer vcf = await Genoseq.InProcessAsync([.. words, "-o", _work["out.vcf"]]);
        Assert.True(vcf.ExitCode == 0, vcf.Error);
        Assert.Equal(40, File.ReadLines(_work["out.vcf"]).Count(l => l.Contains(";GENOSEQ_LLR=", StringComparison.Ordinal)));
        Answer ism = await Genoseq.InProcessAsync("score", "--checkpoint", _work["masked"], "--genome", _work["genome.fa"], "--ism", "c1:101-112", "--svg", _work["m.svg"], "--context", "30");
        Assert.True(ism.ExitCode == 0, ism.Error);
        Assert.True(File.Exists(_work["m.svg"]));
    }

    [Theory]
    [InlineData(2, "nothing to score", "--checkpoint", "causal")]
    [InlineData(2, "different tasks", "--checkpoint", "causal", "--genome", "genome.fa", "--vcf", "v.vcf", "--ism")]
    [InlineData(2, "means nothing", "--checkpoint", "causal", "--genome", "genome.fa", "--svg", "x.svg")]
    [InlineData(2, "causal model cannot", "--checkpoint", "causal", "--genome", "genome.fa", "--ism", "c1:1-5", "--method", "llr")]
    [InlineData(3, "no such folder", "--checkpoint", "nowhere", "--genome", "genome.fa")]
    public async Task Score_Wrong_IsRefused(int code, string words, params string[] arguments)
    {
        Answer answer = await Genoseq.InProcessAsync(["score", .. arguments.Select(a => a is "causal" or "nowhere" || a.Contains('.', StringComparison.Ordinal) ? _work[a] : a)]);
        Assert.True(answer.ExitCode == code, answer.Error);
        Assert.Contains(words, answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Generate_Prompts_WritesFasta()
    {
        File.WriteAllText(_work["p.fa"], ">x\nACGTACGT\n>y\nGG\n");
        string[] words = ["generate", "--checkpoint", _work["causal"], "--prompts", _work["p.fa"], "--count", "2", "--max-bases", "100", "--with-prompt"];
        Answer answer = await Genoseq.InProcessAsync([.. words, "-o", _work["g.fa"], "--speed", _work["speed.tsv"], "--line-width", "50"]);
        Assert.True(answer.ExitCode == 0, answer.Error);
        string[] lines = File.ReadAllLines(_work["g.fa"]);
        Assert.Equal(4, lines.Count(l => l[0] == '>'));
        Assert.StartsWith(">x_1 number=0 seed=1 temperature=1", lines[0], StringComparison.Ordinal);
        Assert.Equal((50, "ACGTACGT"), (lines[1].Length, lines[1][..8]));
        Assert.Contains("4 sequences, 400 bases", answer.Error, StringComparison.Ordinal);
        Assert.Equal(2, File.ReadAllLines(_work["speed.tsv"]).Length);
        Answer again = await Genoseq.InProcessAsync([.. words, "-o", _work["h.fa"], "--batch", "1", "--line-width", "50"]);
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.Equal(lines, File.ReadAllLines(_work["h.fa"]));
        Assert.Equal(3, (await Genoseq.InProcessAsync("generate", "--checkpoint", _work["masked"])).ExitCode);
        Assert.Equal(2, (await Genoseq.InProcessAsync("generate", "--checkpoint", _work["causal"], "--top-p", "2")).ExitCode);
    }

    private void Save(string name, ModelConfig config)
    {
        using SequenceModel model = ModelFile.Create(config);
        ModelFile.Save(model, _work[name]);
    }
}
