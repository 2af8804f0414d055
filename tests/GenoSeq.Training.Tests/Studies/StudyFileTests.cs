using GenoSeq.Training.Configuration;
using GenoSeq.Training.Studies;

namespace GenoSeq.Training.Tests.Studies;

public sealed class StudyFileTests
{
    [Fact]
    public void Load_Study_HasModelsAxesAndWords()
    {
        using var tiny = new TinyStudy();
        Study study = StudyFile.Load(tiny.File());
        Assert.Equal(["mamba", "transformer"], study.Models.Select(m => m.Name));
        Assert.Equal(["2", "3"], study.Axes[0].Values.Select(v => v.Value));
        Assert.Equal("2", study.Config.Claims[0].Of.At["pairs"]);
        Assert.Equal("2", study.Config.Plots[0].At["pairs"]);
        // Two models and two seeds at 2 pairs, one of them at 3.
        Assert.Equal([("mamba", 4, 0), ("transformer", 2, 0)], StudyRun.Plan(tiny.Request(study)));
    }

    [Fact]
    public void Load_ModelInOneLine_AddsItsCells()
    {
        using var tiny = new TinyStudy();
        string file = tiny.File("\n  - { name: transformer", "\n  - { name: rwkv7, model.layout: rwkv7 }\n  - { name: transformer");
        Assert.Contains(("rwkv7", 4, 0), StudyRun.Plan(tiny.Request(StudyFile.Load(file))));
    }

    [Fact]
    public void Load_Smoke_KeepsWhatIsNamed()
    {
        using var tiny = new TinyStudy();
        Study study = StudyFile.Load(tiny.File(), smoke: true);
        Assert.Equal([("mamba", 1, 0)], StudyRun.Plan(tiny.Request(study)));
    }

    [Theory]
    [InlineData("of: { model: transformer", "of: { model: tramsformer", "no model 'tramsformer'")]
    [InlineData("path: task.pairs, ", "", "this stands for no setting")]
    [InlineData("except: { pairs: [3] }", "except: { pear: [3] }", "unknown axis 'pear'")]
    [InlineData("name: transformer", "name: Mamba", "appears twice")]
    [InlineData("metric: accuracy, x", "metric: accurate, x", "'accurate' of a plot or a claim is none of accuracy")]
    [InlineData("models: [mamba]", "models: [mamma]", "no model 'mamma'")]
    [InlineData("higher: true", "highest: true", "unknown key 'highest'")]
    public void Load_WrongStudy_SaysWhatAndWhere(string from, string to, string what)
    {
        using var tiny = new TinyStudy();
        string file = tiny.File(from, to);
        ConfigException e = Assert.Throws<ConfigException>(() => StudyFile.Load(file, smoke: true));
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
        Assert.All(e.Problems, p => Assert.Equal(file, p.Location?.Source));
    }

    /// <summary>Cells come to their labelled sets after they have trained, which may take an hour.</summary>
    [Theory]
    [InlineData("recipe: whole, tasks: []", "no recipe 'whole'")]
    [InlineData("recipe: r, tasks: [two]", "no task 'two'")]
    public void Begin_DownstreamWithoutItsRecipeOrTask_IsRefused(string names, string what)
    {
        using var tiny = new TinyStudy();
        File.WriteAllText(tiny["suite.yaml"], "name: s\ntasks: [{name: one, path: set.csv, metric: mcc}]\nrecipes: [{name: r, learning_rates: [0.001], batch_sizes: [16]}]\nmodels: [{name: m, baseline: cnn, recipe: r}]\nseeds: [1]\n");
        StudyRequest request = tiny.Request(StudyFile.Load(tiny.File("tokens: 512 }", $"tokens: 512, downstream: {{ suite: {tiny["suite.yaml"]}, {names} }} }}")));
        ConfigException e = Assert.Throws<ConfigException>(() => StudyRun.Begin(request));
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(tiny.Out));
    }

    [Theory]
    [InlineData("model.layout: mamba }", "model.layout: mambo }", "layout may hold")]
    [InlineData("length: 64", "length: 6", "these settings need at least")]
    [InlineData("tokens: 2560", "tokens: 2560, flops: 3", "must be one of tokens, flops and seconds")]
    public void Plan_WrongCell_SaysWhatAndWhere(string from, string to, string what)
    {
        using var tiny = new TinyStudy();
        Study study = StudyFile.Load(tiny.File(from, to));
        ConfigException e = Assert.Throws<ConfigException>(() => StudyRun.Plan(tiny.Request(study)));
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
        Assert.All(e.Problems, p => Assert.EndsWith("study.yaml", p.Location?.Source, StringComparison.Ordinal));
    }

    public static TheoryData<string> Recipes() => [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "configs", "studies"), "*.yaml").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Recipe_AtBothSizes_MakesCells(string name)
    {
        using var tiny = new TinyStudy();
        foreach (bool smoke in (bool[])[false, true])
        {
            Study study = StudyFile.Load(Path.Combine(Repository.Root, "configs", "studies", name), smoke: smoke);
            // What is tuned on is there, too.
            var plan = StudyPlan.Of(tiny.Request(study));
            foreach (DownstreamConfig sets in plan.Cells.Select(c => plan.SettingsOf(c).Config.Evaluate.Downstream).OfType<DownstreamConfig>())
            {
                Assert.NotEmpty(DownstreamProbe.Load(sets with { Suite = Path.Combine(Repository.Root, sets.Suite) }).Tasks);
            }

            Assert.All(StudyRun.Plan(tiny.Request(study)), l => Assert.True(l.Cells > 0));
            Assert.Equal(Path.GetFileNameWithoutExtension(name), study.Config.Name);
            Assert.NotEmpty(study.Config.Claims);
        }
    }
}
