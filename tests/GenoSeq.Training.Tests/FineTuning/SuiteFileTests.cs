using GenoSeq.Data;
using GenoSeq.Models.Heads;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning.Suite;
using GenoSeq.Training.Tests.Runs;

namespace GenoSeq.Training.Tests.FineTuning;

public sealed class SuiteFileTests
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "configs", "benchmarks");

    public static TheoryData<string> Files() =>
        [.. Directory.EnumerateFiles(s_folder, "*.yaml").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    private static SuiteConfig Load(string name) => SuiteConfig.Load(Path.Combine(s_folder, name));

    [Theory]
    [MemberData(nameof(Files))]
    public void Suite_AsShipped_BindsAndSaysWhatItIs(string file)
    {
        SuiteConfig suite = Load(file);
        Assert.Equal(Path.GetFileNameWithoutExtension(file), suite.Name);
        Assert.NotEmpty(suite.Title);
        Assert.NotEmpty(suite.Source);
        Assert.True(suite.Seeds.Count >= 3);
        Assert.All(suite.Tasks, t => Assert.True(t.MaxLength > 0));
        Assert.Equal(["cnn", "kmer"], suite.Models.Select(m => m.Baseline).OfType<string>());
        string[] comments = [.. File.ReadLines(Path.Combine(s_folder, file)).TakeWhile(l => l.StartsWith('#'))];
        Assert.All(["suite", "reproduces", "data"], word => Assert.Contains(comments, l => l.StartsWith($"# {word} ", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("genomic-benchmarks.yaml", 8)]
    [InlineData("nucleotide-transformer.yaml", 18)]
    [InlineData("gue.yaml", 28)]
    [InlineData("small-sets.yaml", 29)]
    public void Suite_Tasks_AreAllThere(string file, int count) => Assert.Equal(count, Load(file).Tasks.Count);

    /// <summary>Columns that the papers give whole are here whole.</summary>
    [Theory]
    [InlineData("genomic-benchmarks.yaml", 12, 10)]
    [InlineData("nucleotide-transformer.yaml", 7, 7)]
    public void Suite_PublishedColumns_AreWhole(string file, int columns, int whole)
    {
        SuiteConfig suite = Load(file);
        Assert.Equal(columns, suite.Published.Count);
        Assert.Equal(whole, suite.Published.Count(p => p.Values.Count == suite.Tasks.Count));
        Assert.All(suite.Published, p => Assert.NotEmpty(p.Protocol));
    }

    [Fact]
    public void Suite_PublishedFigures_AreTheTables()
    {
        SuiteConfig gb = Load("genomic-benchmarks.yaml");
        PublishedConfig ps = gb.Published.Single(p => p.System == "Caduceus-PS 470k (Caduceus paper)");
        Assert.Equal((0.793, 0.058), (ps.Values["dummy_mouse_enhancers_ensembl"], ps.Spreads["dummy_mouse_enhancers_ensembl"]));
        Assert.Equal((0.945, 0.818), (ps.Values["human_nontata_promoters"], ps.Values["human_ocr_ensembl"]));
        SuiteConfig nt = Load("nucleotide-transformer.yaml");
        PublishedConfig donors = nt.Published.Single(p => p.System == "Caduceus-PS 1.9M (Caduceus paper)");
        Assert.Equal((0.874, 0.289, 0.799), (donors.Values["splice_sites_donors"], donors.Spreads["splice_sites_donors"], donors.Values["H3"]));
    }

    [Fact]
    public void Suite_Recipes_AreThePublishedOnes()
    {
        SuiteConfig gb = Load("genomic-benchmarks.yaml");
        SuiteRecipeConfig ps = gb.Recipes.Single(r => r.Name == "caduceus-ps");
        Assert.Equal((10, 0.1, 0.01, Pooling.Parity, 0.999), (ps.Epochs, ps.WeightDecay, ps.WarmupShare, ps.Pooling, ps.Beta2));
        Assert.Equal([0.001], ps.LearningRatesOf("human_ensembl_regulatory"));
        Assert.Equal([0.002], gb.Recipes.Single(r => r.Name == "caduceus-ph").LearningRatesOf("human_ensembl_regulatory"));
        SuiteConfig nt = Load("nucleotide-transformer.yaml");
        Assert.Equal([0.002], nt.Recipes.Single(r => r.Name == "caduceus-ps").LearningRatesOf("enhancers_types"));
        Assert.Equal([0.001], nt.Recipes.Single(r => r.Name == "caduceus-ph").LearningRatesOf("enhancers_types"));
        Assert.Equal(100, nt.Recipes.Single(r => r.Name == "hyenadna").Epochs);
    }

    [SharedFact]
    public void Suite_SmallSets_AreReadAsTheySay()
    {
        SuiteConfig suite = Load("small-sets.yaml");
        foreach (SuiteTaskConfig task in suite.Tasks)
        {
            string path = Path.GetFullPath(Path.Combine(Repository.Root, suite.Root, task.Path));
            using LabelledSet set = LabelledSets.Open(path, new LabelledSetOptions { Task = task.Set });
            LabelledChecks.RequireTrainable(set);
            Assert.Equal(LabelKind.Class, set.Kind);
            Assert.NotEmpty(set.Rows(LabelledPart.Test));
            Assert.Equal(task.MaxLength, Enumerable.Range(0, set.Count).Max(set.GetLength));
        }
    }

    [Theory]
    [InlineData("tasks: [{name: one, path: a}, {name: two, path: b}]", "tasks: []", "name at least one")]
    [InlineData("seeds: [1]", "seeds: [1, 1]", "1 appears twice")]
    [InlineData("path: a}", "path: a, metric: pearson}", "does not go with labels of the kind class")]
    [InlineData("recipe: r}", "recipe: none}", "the recipe 'none'")]
    [InlineData("mamba-tiny", "none", "there is no 'none'")]
    [InlineData("mamba-tiny", "mamba-tiny, baseline: cnn", "give one of checkpoint, scratch_of, preset and baseline")]
    [InlineData("{name: r}", "{name: r, pooling: cls}", "one of mean, max, last")]
    [InlineData("{name: r}", "{name: r, task_learning_rates: {gone: 0.1}}", "unknown task 'gone'")]
    [InlineData("{one: 0.5}", "{gone: 0.5}", "unknown task 'gone'")]
    [InlineData("{one: 0.5}", "{one: 87.1}", "is no mcc")]
    [InlineData("source: somewhere", "source: ''", "a published value needs one")]
    [InlineData("{name: r}", "{name: r, mode: lora}", "starts from fresh weights")]
    [InlineData("{name: r}", "{name: r, fresh_layers: 1}", "replaces some by fresh ones")]
    [InlineData("recipe: r}", "recipe: r, task_recipes: {gone: r}}", "a recipe of the unknown task 'gone'")]
    [InlineData("recipe: r}", "recipe: r, task_recipes: {one: none}}", "the recipe 'none' of 'm'")]
    [InlineData("{name: r}", "{name: r, min_steps: 5, max_steps: 4}", "must be at most max_steps")]
    [InlineData("{name: r}", "{name: r, epochs: 0}", "recipes[0].epochs")]
    [InlineData("name: two, path: b", "name: One!, path: b", "two names are 'one' as a folder")]
    [InlineData("recipe: r}", "recipe: r, recipes: [r]}", "give recipe or recipes, not both")]
    [InlineData("recipe: r}", "recipes: [r, r]}", "must be different, as parts of file names too")]
    [InlineData("recipe: r}", "recipes: [r, none]}", "the recipe 'none' of 'm'")]
    [InlineData("preset: mamba-tiny, recipe: r}", "baseline: kmer, recipes: [r, s]}", "nothing that they could change")]
    [InlineData("{name: r}]\nmodels: [{name: m, preset: mamba-tiny, recipe: r}", "{name: r}, {name: s, split_seed: 7}]\nmodels: [{name: m, preset: mamba-tiny, recipes: [r, s]}", "validation could not choose among them")]
    [InlineData("{name: r}]\nmodels: [{name: m, preset: mamba-tiny, recipe: r}", "{name: r, language_weight: 0.5, mask_rate: 0.1}]\nmodels: [{name: m, baseline: cnn, recipe: r}", "predicts no bases")]
    [InlineData("path: b}", "path: b, official: true, drop_leaks: true}", "is not the official one")]
    public void Suite_Mistakes_AreNamed(string right, string wrong, string expected)
    {
        const string text = """
            seeds: [1]
            tasks: [{name: one, path: a}, {name: two, path: b}]
            recipes: [{name: r}]
            models: [{name: m, preset: mamba-tiny, recipe: r}]
            published: [{system: s, source: somewhere, values: {one: 0.5}}]
            """;
        Assert.Equal(2, Bind(text).Tasks.Count);
        var e = Assert.Throws<ConfigException>(() => Bind(text.Replace(right, wrong, StringComparison.Ordinal)));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_Overrides_GoByNamesAndTheFilesPathsByItsFolder()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "suite.yaml");
        File.WriteAllText(file, """
            tasks: [{name: one, path: a}]
            recipes: [{name: r}]
            models: [{name: first, checkpoint: there, recipe: r}, {name: first.b, checkpoint: given, recipe: r}, {name: new, scratch_of: first, recipe: r}]
            """);
        SuiteConfig suite = SuiteConfig.Load(file, ["models.first.b.checkpoint=here", "recipes.r.epochs=3"]);
        Assert.Equal([Path.Combine(folder.Path, "there"), "here", null], suite.Models.Select(m => m.Checkpoint));
        Assert.Equal(("first", 3), (suite.Models[2].ScratchOf, suite.Recipes[0].Epochs));
        var e = Assert.Throws<ConfigException>(() => SuiteConfig.Load(file, ["models.last.recipe=r"]));
        Assert.Contains("nothing there is called 'last'", e.Message, StringComparison.Ordinal);
    }

    private static SuiteConfig Bind(string text) => ConfigBinder.Bind(ConfigTree.ParseYaml(text, "suite.yaml"), SuiteJson.Default.SuiteConfig);
}
