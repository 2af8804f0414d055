using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Tests.Configuration;

public class DataConfigTests
{
    private const string Rest = "objective: {kind: causal}\ntrain: {global_batch_size: 4194304}\n";

    private static RunConfig Bind(string data, params string[] overrides) => ConfigBinder.Bind(
        ConfigTree.ParseYaml(Rest + data, "run.yaml").WithOverrides(overrides), RunConfigJson.Default.RunConfig);

    private static IReadOnlyList<ConfigProblem> Problems(string data) =>
        Assert.Throws<ConfigException>(() => Bind(data)).Problems;

    [Theory]
    [InlineData("fasta: [a.fa]", "data.fasta", "files")]
    [InlineData("files: [a.fa], max_n_fraction: 0.3", "data.max_n_fraction", "min_acgt_fraction (1 - its value)")]
    public void Bind_FormerKey_SuggestsItsSuccessor(string data, string path, string suggestion)
    {
        ConfigProblem problem = Assert.Single(Problems($"data: {{{data}}}\n"));
        Assert.Equal((path, suggestion), (problem.Path, problem.Try));
        Assert.Equal("run.yaml:3:", problem.Location.ToString()![..11]);
    }

    [Fact]
    public void Bind_Sources_AreRecordsWithTheirDefaults()
    {
        RunConfig run = Bind("""
            data:
              sources:
                - {name: human, files: [hg38.fa.gz], weight: 2, holdout_contigs: [chr8]}
                - name: mouse
                  files: [mm10.2bit, extra.fa]
                  weight: 0.5
            """, "data.sources[1].weight=0.25");
        Assert.Equal(["human", "mouse"], run.Data.Sources.Select(s => s.Name));
        Assert.Equal([2, 0.25], run.Data.Sources.Select(s => s.Weight!.Value));
        Assert.Equal(["mm10.2bit", "extra.fa"], run.Data.Sources[1].Files);
        Assert.Null(run.Data.Sources[1].HoldoutContigs);

        // What is written binds to the same again.
        string yaml = ConfigWriter.ToYaml(run, RunConfigJson.Default.RunConfig);
        Assert.Equal(yaml, ConfigWriter.ToYaml(
            ConfigBinder.Bind(ConfigTree.ParseYaml(yaml, "again.yaml"), RunConfigJson.Default.RunConfig), RunConfigJson.Default.RunConfig));
    }

    [Fact]
    public void Bind_BadKeyInASource_IsReportedAtItsPlace()
    {
        ConfigProblem problem = Assert.Single(Problems("data:\n  sources:\n    - {name: a, files: [x]}\n    - {name: b, file: [x]}\n"));
        Assert.Equal(("data.sources[1].file", "files"), (problem.Path, problem.Try));
        Assert.Equal(6, problem.Location!.Value.Line);
    }

    [Theory]
    [InlineData("context_length: 8", "files")]
    [InlineData("files: [a], sources: [{name: s, files: [b]}]", "sources")]
    [InlineData("files: [a], stride: -1", "stride")]
    [InlineData("files: [a], jitter: 1024", "jitter")]
    [InlineData("files: [a], stride: 10, jitter: 10", "jitter")]
    [InlineData("files: [a], min_acgt_fraction: 1.5", "min_acgt_fraction")]
    [InlineData("files: [a], gap_length: 0", "gap_length")]
    [InlineData("files: [a], shift: [-1, 1]", "shift")]
    [InlineData("files: [a], windows: hyena", "windows")]
    [InlineData("files: [a], windows: hyena, split_bed: b, shift: [1]", "shift")]
    [InlineData("files: [a], windows: hyena, split_bed: b, shift: [2, 1]", "shift")]
    [InlineData("files: [a], windows: hyena, split_bed: b, pack: true", "pack")]
    [InlineData("files: [a], windows: hyena, split_bed: b, stride: 5", "stride")]
    [InlineData("files: [a], windows: hyena, split_bed: b, jitter: 5", "jitter")]
    [InlineData("files: [a], windows: hyena, split_bed: b, n_policy: skip", "n_policy")]
    [InlineData("files: [a], windows: caduceus, split_bed: b, context_length: 1000", "context_length")]
    [InlineData("files: [a], windows: caduceus, split_bed: b, context_length: 2097152", "context_length")]
    [InlineData("files: [a], windows: caduceus, split_bed: b, shift: [0, 1]", "shift")]
    [InlineData("sources: [{name: s, files: [b]}, {name: s, files: [c]}]", "sources")]
    [InlineData("sources: [{name: s, files: [b], weight: 1}, {name: t, files: [c]}]", "sources")]
    [InlineData("sources: [{name: s, files: [b]}], split_bed: x", "split_bed")]
    [InlineData("sources: [{name: s}]", "sources[0].files")]
    [InlineData("sources: [{name: 's/t', files: [b]}]", "sources[0].name")]
    [InlineData("sources: [{name: s, files: [b], weight: 0}]", "sources[0].weight")]
    public void Bind_OneThingWrong_IsNamed(string data, string key) =>
        Assert.Equal($"data.{key}", Assert.Single(Problems($"data: {{{data}}}\n")).Path);

    [Fact]
    public void Bind_SeveralThingsWrong_AreAllNamed() => Assert.Equal(
        ["data.context_length", "data.min_acgt_fraction", "data.gap_length", "data.stride", "data.shift"],
        Problems("data: {files: [a], context_length: 1, min_acgt_fraction: -1, gap_length: 0, stride: -4, shift: [0, 0]}\n").Select(p => p.Path));

    [Fact]
    public void Training_Options_AreTheKeys()
    {
        DataConfig data = Bind("data: {files: [a], windows: hyena, split_bed: b, shift: [-3, 9], padding: sides}\n").Data;
        WindowSamplerOptions options = data.Training(512, 7);
        Assert.Equal(new WindowSamplerOptions
        {
            Length = 512,
            Seed = 7,
            Rule = WindowRule.Hyena,
            ShiftMin = -3,
            ShiftMax = 9,
            Padding = WindowPadding.Sides,
        }, options);
        Assert.Equal(options with { Shuffle = false, ShiftMin = 0, ShiftMax = 0 }, data.HeldOut(512, 7));
        Assert.Equal(new WindowSamplerOptions(), Bind("data: {files: [a]}\n").Data.Training(1024, 42));
    }
}
