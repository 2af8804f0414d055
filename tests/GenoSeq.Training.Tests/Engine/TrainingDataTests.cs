using System.Text.Json.Nodes;
using GenoSeq.Data;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Training.Tests.Engine;

[Collection(EngineCollection.Name)]
public sealed class TrainingDataTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    private RunConfig Two(params SourceConfig[] changes)
    {
        File.WriteAllText(_run["one.fa"], TinyRun.Genome(1, 9000, 2000));
        File.WriteAllText(_run["two.fa"], TinyRun.Genome(2, 3000, 1000, 40));
        SourceConfig[] sources = changes.Length > 0 ? changes : [new() { Name = "one" }, new() { Name = "two" }];
        return _run.Config with
        {
            Data = _run.Config.Data with
            {
                Files = [],
                Sources = [.. sources.Select(s => s with { Files = [_run[s.Name + ".fa"]] })],
            },
        };
    }

    [Fact]
    public void Sources_WithoutWeights_ShareByTheirWindows()
    {
        using var data = new TrainingData(Two());
        var mixture = Assert.IsType<MixtureSampler>(data.TrainSampler);
        Assert.Equal(["one", "two"], data.Sources.Select(s => s.Name));
        double share = (double)mixture.Quotas[0] / mixture.Cycle;
        double expected = (double)data.TrainWindows[0].WindowsPerEpoch(0) / mixture.WindowsPerEpoch(0);
        Assert.Equal(expected, share, 3);
        Assert.Equal(["one/c1", "one/c2", "two/c1", "two/c2", "two/c3"], data.Genome.Contigs.Select(c => c.Name));
        Assert.Equal(15_040, data.TrainBases + data.ValidationBases);
    }

    [Fact]
    public void Sources_WithWeights_HaveTheirShareOfTheBatches()
    {
        using var data = new TrainingData(Two(new() { Name = "one", Weight = 1 }, new() { Name = "two", Weight = 3 }));
        Batch batch = data.TrainBuilder.CreateBatch(4096);
        data.TrainBuilder.Fill(new SampleRange(4096, 4096), batch);
        Assert.Equal(1024, batch.Windows.Count(w => w.Contig < 2));
        JsonArray sources = data.Manifest()["sources"]!.AsArray();
        Assert.Equal([0.25, 0.75], sources.Select(s => s!["share"]!.GetValue<double>()));
        Assert.Equal([1, 3], sources.Select(s => s!["weight"]!.GetValue<double>()));
        Assert.Equal(2, data.Manifest()["files"]!.AsArray().Count);
    }

    [Fact]
    public void Validation_OfSeveralSources_IsAllOfThemEachInOrder()
    {
        using var data = new TrainingData(Two());
        var seen = new List<SampleWindow>();
        for (long i = 0; i < data.ValidationSampler!.WindowsPerEpoch(0); i++)
        {
            seen.Add(data.ValidationSampler.At(i));
        }

        Assert.Equal(data.ValidationBases, seen.Sum(w => (long)w.Length));
        Assert.Equal(data.ValidationBases, new IntervalSet(seen.Select(w => w.Interval)).Bases);
        foreach (IEnumerable<SampleWindow> source in new[] { seen.Where(w => w.Contig < 2), seen.Where(w => w.Contig >= 2) })
        {
            Assert.Equal(source.OrderBy(w => (w.Contig, w.Start)), source);
        }
    }

    [Fact]
    public void Holdouts_OfSources_AreNamedWithAndWithoutTheSource()
    {
        RunConfig config = Two();
        DataConfig data = config.Data with { ValidationFraction = null };
        using (var both = new TrainingData(config with { Data = data with { HoldoutContigs = ["c2"] } }))
        {
            Assert.Equal([1, 3], both.Split.Validation.Select(i => i.Contig));
        }

        using (var one = new TrainingData(config with { Data = data with { HoldoutContigs = ["two/c3", "one/c2"] } }))
        {
            Assert.Equal([1, 4], one.Split.Validation.Select(i => i.Contig));
        }

        var e = Assert.Throws<InputDataException>(() => new TrainingData(config with { Data = data with { HoldoutContigs = ["c7"] } }));
        Assert.Contains("no contig 'c7'", e.What, StringComparison.Ordinal);
        RunConfig own = Two(new SourceConfig { Name = "one", HoldoutContigs = ["c2"], TestContigs = [] }, new() { Name = "two", ValidationFraction = 0.5 });
        using var owned = new TrainingData(own);
        Assert.Equal([1, 2, 3, 4], owned.Split.Validation.Select(i => i.Contig));
    }

    [Theory]
    [InlineData(WindowRule.Hyena, 64)]
    [InlineData(WindowRule.Caduceus, 64)]
    public void PublishedRule_ReachingIntoHeldOutBases_IsCountedAndCanBeForbidden(WindowRule rule, int length)
    {
        string bed = _run["rows.bed"];
        File.WriteAllText(bed, "c1\t3000\t3030\ttrain\nc1\t1000\t1030\ttrain\nc1\t3040\t3050\tvalid\nc2\t100\t200\ttest\nc2\t10\t20\ttrain\n");
        DataConfig data = _run.Config.Data with { ValidationFraction = null, SplitBed = bed, Windows = rule, ContextLength = length };
        RunConfig config = _run.Config with { Data = data };
        long shared;
        using (var published = new TrainingData(config))
        {
            shared = published.SharedBases;
            Assert.True(shared > 0);
            Assert.Equal(shared, Brute(published));
            Assert.Contains($"{shared} bases are in training windows and in held-out ones", Assert.Single(published.Split.Warnings), StringComparison.Ordinal);
            Assert.Equal(rule == WindowRule.Hyena ? 3 : 3 * (1 << 20) / length, published.TrainSampler.WindowsPerEpoch(0));
        }

        using var strict = new TrainingData(config with { Data = data with { StrictSplit = true } });
        Assert.Equal(0, strict.SharedBases);
        Assert.Equal(0, Brute(strict));
        Assert.Empty(strict.Split.Warnings);
        Assert.Equal("shares_held_out_bases", strict.Manifest()["excluded"]![0]!["reason"]!.GetValue<string>());
        Assert.True(strict.TrainBuilderFor(length / 2).Length == length / 2);

        static long Brute(TrainingData data)
        {
            IEnumerable<(int, long)> Bases(IWindowSampler s) => Enumerable.Range(0, (int)s.WindowsPerEpoch(0))
                .Select(i => s.At(i)).Distinct().SelectMany(w => Enumerable.Range(0, w.Length).Select(t => (w.Contig, w.Start + t)));
            return Bases(data.TrainSampler).ToHashSet().Intersect(Bases(data.ValidationSampler!).Concat(Bases(data.TestSampler!))).Count();
        }
    }

    [Fact]
    public void EpochWindows_OfTraining_AreTheBatches()
    {
        RunConfig config = _run.Causal with
        {
            Seed = 4,
            Objective = new ObjectiveConfig { Kind = ObjectiveKind.Causal, RcAugment = true },
        };
        using var data = new TrainingData(config);
        var epoch = new EpochWindows(data, config, SplitPart.Train, 1);
        Assert.Equal(data.TrainSampler.WindowsPerEpoch(0), epoch.First);
        SeenInterval[] seen = [.. epoch.InOrder()];
        Batch batch = data.TrainBuilder.CreateBatch(seen.Length);
        data.TrainBuilder.Fill(new SampleRange(epoch.First, seen.Length), batch);
        Assert.Equal(batch.Windows.Select(w => w.Interval), seen.Select(s => s.Interval));
        Assert.Equal(batch.Flipped, seen.Select(s => s.Flipped));
        Assert.Contains(true, batch.Flipped);
        Assert.Equal(seen.Sum(s => s.Interval.Length), epoch.CoveredBases());
        Assert.Equal(64, epoch.CoveredBases(1));
        Assert.Throws<InputDataException>(() => new EpochWindows(data, config, SplitPart.Test, 0));
    }

    [Fact]
    public void Resume_OtherFilesOfTheSameSources_AreAllowedButNotOtherWeights()
    {
        RunConfig config = Two(new() { Name = "one", Weight = 1 }, new() { Name = "two", Weight = 3 });
        _run.Run(config with { Train = config.Train with { Steps = 8 } }, "run");
        foreach (string name in (string[])["one", "two"])
        {
            File.Copy(_run[name + ".fa"], _run[name + "-copy.fa"]);
        }

        RunConfig moved = config with
        {
            Data = config.Data with { Sources = [.. config.Data.Sources.Select(s => s with { Files = [_run[s.Name + "-copy.fa"]] })] },
        };
        _run.Run(moved, "run");
        RunConfig other = moved with { Data = moved.Data with { Sources = [moved.Data.Sources[0] with { Weight = 2 }, moved.Data.Sources[1]] } };
        var e = Assert.Throws<ConfigException>(() => _run.Run(other, "run"));
        Assert.Equal("data.sources.weight", Assert.Single(e.Problems).Path);
    }
}
