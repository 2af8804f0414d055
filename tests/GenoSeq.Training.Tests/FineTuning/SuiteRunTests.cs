using System.Text.Json.Nodes;
using GenoSeq.Data;
using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning.Suite;
using GenoSeq.Training.Runs;
using GenoSeq.Training.Tests.Engine;

namespace GenoSeq.Training.Tests.FineTuning;

[Collection(EngineCollection.Name)]
public sealed class SuiteRunTests
{
    private const string Baselines = "[{name: cnn, baseline: cnn, recipe: r}, {name: k-mer regression, baseline: kmer, recipe: r}]";
    private const string Kmer = "[{name: kmer, baseline: kmer, recipe: r}]";

    [Fact]
    public void Run_Baselines_LearnWhatCanBeSeparated()
    {
        using var tiny = new TinySuite();
        (SuiteOutcome outcome, List<string> said) = TinySuite.Run(tiny.Request(tiny.Suite(Baselines, recipe: ", rc_augment: false, upstream_batch_size: 8")));
        // The regression is the same for all seeds.
        Assert.Equal((3, 3, 3), (outcome.Done, outcome.Cells, said.Count));
        Assert.Empty(outcome.Failures);
        foreach (string cell in (string[])["one/cnn/seed-1", "one/cnn/seed-2", "one/k-mer-regression/seed-1"])
        {
            JsonObject record = tiny.Cell(cell);
            Assert.True(TinySuite.Metric(record) > 0.9, $"{cell}: {TinySuite.Metric(record)}");
            Assert.NotNull(record["test"]!["metrics"]!["mcc"]!["interval"]);
            Assert.NotNull(record["test"]!["metrics"]!["mcc"]!["batch_averaged"]);
            Assert.True((long)record["trained_parameters"]! > 0);
        }

        Assert.StartsWith("# suite", File.ReadAllText(tiny["out/table.md"]), StringComparison.Ordinal);
        Assert.Equal(2, outcome.Table.Rows[0].Cells[0]!.Runs);
    }

    [Fact]
    public void Run_EveryKindOfModel_GivesTheSameBytesTwice()
    {
        using var tiny = new TinySuite();
        string checkpoint = tiny.Checkpoint();
        SuiteConfig suite = tiny.Suite($"[{{name: whole, checkpoint: {checkpoint}, recipe: r}}, {{name: changes, checkpoint: {checkpoint}, recipe: l}}, {{name: fresh, scratch_of: whole, recipe: r}}, {{name: cnn, baseline: cnn, recipe: r}}]",
            recipe: ", layer_decay: 0.9, rc_augment: true, rc_average: true}, {name: l, mode: lora, lora_rank: 2, epochs: 3");
        suite = suite with { Seeds = [1] };
        TinySuite.Run(tiny.Request(suite, "a"));
        // The optimizer's state beside weights is no part of them.
        File.WriteAllText(Path.Combine(checkpoint, "optimizer.safetensors"), "any");
        (SuiteOutcome outcome, _) = TinySuite.Run(tiny.Request(suite, "b"));
        Assert.Equal((4, 0), (outcome.Done, outcome.Failures.Count));
        foreach (string model in suite.Models.Select(m => m.Name))
        {
            JsonObject cell = tiny.Cell($"one/{model}/seed-1", "a");
            Assert.Equal(cell.ToJsonString(), tiny.Cell($"one/{model}/seed-1", "b").ToJsonString());
            (long trained, long all) = ((long)cell["trained_parameters"]!, (long)cell["parameters"]!);
            Assert.True(model == "changes" ? trained < all / 2 : trained <= all, $"{model}: {trained} of {all}");
        }

        Assert.NotEqual(tiny.Cell("one/whole/seed-1", "a")["validation"]!.ToJsonString(), tiny.Cell("one/fresh/seed-1", "a")["validation"]!.ToJsonString());
    }

    [Fact]
    public void Begin_MoreFreshLayersThanThereAre_IsRefused()
    {
        using var tiny = new TinySuite();
        SuiteConfig suite = tiny.Suite($"[{{name: m, checkpoint: {tiny.Checkpoint()}, recipe: r}}]", recipe: ", fresh_layers: 3");
        var e = Assert.Throws<ConfigException>(() => SuiteRun.Begin(tiny.Request(suite)));
        Assert.Contains("the model has 2 layers, not 3", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_RecipeOfATask_IsUsedThereAlone()
    {
        using var tiny = new TinySuite();
        SuiteConfig suite = tiny.Suite("[{name: kmer, baseline: kmer, recipe: r, task_recipes: {two: q}}]", "[{name: one, path: set.csv}, {name: two, path: other.csv}]",
            "}, {name: q, validation_fraction: 0.25");
        TinySuite.Run(tiny.Request(suite));
        double Share(string task) => (double)tiny.Cell($"{task}/kmer/seed-1")["settings"]!["finetune"]!["validation_fraction"]!;
        Assert.Equal((0.1, 0.25), (Share("one"), Share("two")));
    }

    [Fact]
    public void Run_Again_RepeatsNoFinishedCell()
    {
        using var tiny = new TinySuite();
        SuiteConfig suite = tiny.Suite(Kmer);
        TinySuite.Run(tiny.Request(suite));
        string before = File.ReadAllText(tiny["out/cells/one/kmer/seed-1.json"]);
        (SuiteOutcome outcome, List<string> said) = TinySuite.Run(tiny.Request(suite with { Tasks = [.. suite.Tasks, new() { Name = "two", Path = "other.csv" }] }));
        Assert.Equal((2, 1), (outcome.Done, said.Count));
        Assert.Equal(before, File.ReadAllText(tiny["out/cells/one/kmer/seed-1.json"]));
    }

    [Fact]
    public void Begin_CellOfOtherSettings_IsRefusedWithWhatDiffers()
    {
        using var tiny = new TinySuite();
        TinySuite.Run(tiny.Request(tiny.Suite(Kmer)));
        SuiteConfig other = tiny.Suite(Kmer, "[{name: one, path: set.csv, max_length: 30}]");
        var e = Assert.Throws<RunFolderException>(() => SuiteRun.Begin(tiny.Request(other)));
        Assert.Contains("finetune.max_length 0, now 30", e.What, StringComparison.Ordinal);
        Assert.Contains("another --out", e.Try, StringComparison.Ordinal);
        // What has no part in a result may change.
        SuiteRun.Begin(tiny.Request(tiny.Suite(Kmer, recipe: ", patience: 3") with { Title = "new" }));
    }

    [Fact]
    public void Work_OnOtherData_FailsTheCell()
    {
        using var tiny = new TinySuite();
        SuiteConfig suite = tiny.Suite(Baselines);
        TinySuite.Run(tiny.Request(suite) with { Models = ["k-mer regression"] });
        File.WriteAllText(tiny["set.csv"], TinySet.Csv(60, 20, 20));
        (SuiteOutcome outcome, _) = TinySuite.Run(tiny.Request(suite) with { Models = ["cnn"], Seeds = [1] });
        Assert.Contains("not those of the task's other cells", Assert.Single(outcome.Failures), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_TaskThatCannotBeLearnt_CostsNoOther()
    {
        using var tiny = new TinySuite();
        File.WriteAllText(tiny["bad.csv"], TinySet.Csv(64, 20, 20, _ => "1"));
        SuiteConfig suite = tiny.Suite(Kmer, "[{name: bad, path: bad.csv}, {name: gone, path: gone.csv}, {name: one, path: set.csv}]");
        (SuiteOutcome outcome, _) = TinySuite.Run(tiny.Request(suite));
        Assert.Equal((1, 2), (outcome.Done, outcome.Cells));
        Assert.Contains("has the class '1'", Assert.Single(outcome.Failures), StringComparison.Ordinal);
        Assert.Equal(["gone"], outcome.Absent);
        string table = File.ReadAllText(tiny["out/table.md"]);
        Assert.Contains("| bad | mcc | failed |", table, StringComparison.Ordinal);
        Assert.Contains("| gone | mcc | absent |", table, StringComparison.Ordinal);
        Assert.Contains("| one | mcc | **", table, StringComparison.Ordinal);

        File.Copy(tiny["set.csv"], tiny["bad.csv"], overwrite: true);
        (SuiteOutcome again, List<string> said) = TinySuite.Run(tiny.Request(suite));
        Assert.Equal((2, 0, 1), (again.Done, again.Failures.Count, said.Count));
        Assert.Throws<InputDataException>(() => SuiteRun.Begin(tiny.Request(suite with { Root = tiny["nowhere"] })));
    }

    [Fact]
    public async Task Work_BySeveralAtOnce_DoesEveryCellOnce()
    {
        using var tiny = new TinySuite();
        string tasks = string.Join(", ", Enumerable.Range(0, 8).Select(i => $"{{name: t{i}, path: set.csv}}"));
        SuiteRequest request = tiny.Request(tiny.Suite(Kmer, $"[{tasks}]"));
        SuiteRun.Begin(request);
        List<string>[] said = [[], [], []];
        await Task.WhenAll(said.Select(s => Task.Run(() => SuiteRun.Work(request, s.Add, _ => { }))));
        Assert.Equal(8, said.Sum(s => s.Count));
        Assert.Equal(8, said.SelectMany(s => s).Select(l => l[(l.IndexOf(']', StringComparison.Ordinal) + 1)..].Split(',')[0]).Distinct().Count());
        Assert.Equal(8, SuiteRun.Finish(request).Done);
    }

    [Fact]
    public async Task Work_WhileAnotherHasACell_WaitsAndTakesItWhenThatOneDies()
    {
        using var tiny = new TinySuite();
        SuiteRequest request = tiny.Request(tiny.Suite(Kmer, "[{name: one, path: set.csv}, {name: two, path: other.csv}]"));
        SuiteRun.Begin(request);
        Task work;
        using (CellClaim claim = CellClaim.Take(tiny["out/claims/one/kmer/seed-1.lock"])!)
        {
            Assert.Null(CellClaim.Take(tiny["out/claims/one/kmer/seed-1.lock"]));
            work = Task.Run(() => SuiteRun.Work(request, _ => { }, _ => { }));
            Assert.True(SpinWait.SpinUntil(() => File.Exists(tiny["out/cells/two/kmer/seed-1.json"]), TimeSpan.FromSeconds(30)));
            Assert.False(work.IsCompleted);
            Assert.False(File.Exists(tiny["out/cells/one/kmer/seed-1.json"]));
        }

        await work.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(File.Exists(tiny["out/cells/one/kmer/seed-1.json"]));
    }

    [Fact]
    public void Run_Sweep_ChoosesByValidationAndNeverSeesTheTest()
    {
        using var tiny = new TinySuite();
        // The same rows, the test part with all labels exchanged.
        File.WriteAllText(tiny["other.csv"], TinySet.Csv(64, 20, 20, i => $"{(i >= 84 ? 1 - (i % 2) : i % 2)}"));
        SuiteConfig suite = tiny.Suite("[{name: cnn, baseline: cnn, recipe: s}]", "[{name: one, path: set.csv}, {name: two, path: other.csv}]",
            "}, {name: s, learning_rates: [0.0000001, 0.005], batch_sizes: [16], epochs: 4");
        (SuiteOutcome outcome, List<string> said) = TinySuite.Run(tiny.Request(suite));
        Assert.Equal((8, 8, 0), (outcome.Done, said.Count, outcome.Failures.Count));
        foreach (string task in (string[])["one", "two"])
        {
            JsonObject[] trials = [tiny.Cell($"{task}/cnn/trial-seed-1-lr1e-07-batch16"), tiny.Cell($"{task}/cnn/trial-seed-1-lr0.005-batch16")];
            Assert.All(trials, t => Assert.Null(t["test"]));
            // A model that says one class has no MCC.
            Assert.True(((double?)trials[0]["selected"] ?? -1) < (double)trials[1]["selected"]!);
            Assert.All((int[])[1, 2], seed => Assert.Equal(0.005, (double)tiny.Cell($"{task}/cnn/seed-{seed}")["candidate"]!["learning_rate"]!));
        }

        // Everything but the test is the same to the last digit.
        Assert.Equal(tiny.Cell("one/cnn/seed-1")["validation"]!.ToJsonString(), tiny.Cell("two/cnn/seed-1")["validation"]!.ToJsonString());
        Assert.Equal(TinySuite.Metric(tiny.Cell("one/cnn/seed-1")), -TinySuite.Metric(tiny.Cell("two/cnn/seed-1")), 1e-9);
        Assert.Contains("| one | cnn | learning rate 0.005, batch 16 |", File.ReadAllText(tiny["out/table.md"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_SeveralRecipes_LetValidationChooseWithAllSeeds()
    {
        using var tiny = new TinySuite();
        const string Recipes = "}, {name: idle, learning_rates: [0.0000001], batch_sizes: [16], epochs: 4, sweep_seeds: all},"
            + "{name: good, learning_rates: [0.02, 0.01], batch_sizes: [16], epochs: 6, mask_rate: 0.1, language_weight: 0.1, sweep_seeds: all}, {name: unused";
        SuiteConfig suite = tiny.Suite($"[{{name: m, checkpoint: {tiny.Checkpoint()}, recipes: [idle, good], task_recipes: {{two: r}}}}]",
            "[{name: one, path: set.csv}, {name: two, path: other.csv}]", Recipes);
        (SuiteOutcome outcome, List<string> said) = TinySuite.Run(tiny.Request(suite));
        // Three candidates with two seeds and two cells on the one task, two cells on the other.
        Assert.Equal((10, 10, 0), (outcome.Done, said.Count, outcome.Failures.Count));
        Assert.Contains(said, s => s.Contains("one, m, seed 2, recipe good, learning rate 0.02, batch 16 tried", StringComparison.Ordinal));
        JsonObject[] trials = [.. ((string[])["idle-lr1e-07", "good-lr0.02", "good-lr0.01"]).SelectMany(_ => (int[])[1, 2], (t, s) => tiny.Cell($"one/m/trial-seed-{s}-{t}-batch16"))];
        Assert.All(trials, t => Assert.Null(t["test"]));
        Assert.Equal([0.0, 0.0, 0.1, 0.1, 0.1, 0.1], trials.Select(t => (double)t["settings"]!["finetune"]!["language_weight"]!));
        double[] means = [.. trials.Select(t => (double?)t["selected"] ?? -1).Chunk(2).Select(c => c.Average())];
        Assert.True(means[0] < means.Max());
        JsonObject cell = tiny.Cell("one/m/seed-2");
        Assert.Equal("good", (string?)cell["candidate"]!["recipe"]);
        Assert.Equal(means[1] >= means[2] ? 0.02 : 0.01, (double)cell["candidate"]!["learning_rate"]!);
        // With the choice a cell is what its trial was.
        JsonObject chosen = tiny.Cell($"one/m/trial-seed-2-good-lr{(means[1] >= means[2] ? "0.02" : "0.01")}-batch16");
        Assert.Equal(chosen["validation"]!.ToJsonString(), cell["validation"]!.ToJsonString());
        Assert.Equal(["idle", "good"], ((JsonObject)cell["settings"]!["recipes"]!).Select(r => r.Key));
        Assert.Null(tiny.Cell("two/m/seed-1")["candidate"]!["recipe"]);
        Assert.Contains("| one | m | recipe good, learning rate ", File.ReadAllText(tiny["out/table.md"]), StringComparison.Ordinal);

        // Nothing is repeated, and another setting of either recipe is another suite.
        (_, List<string> again) = TinySuite.Run(tiny.Request(suite));
        Assert.Empty(again);
        SuiteConfig other = suite with { Recipes = [.. suite.Recipes.Select(r => r.Name == "idle" ? r with { Epochs = 5 } : r)] };
        var e = Assert.Throws<RunFolderException>(() => SuiteRun.Begin(tiny.Request(other)));
        Assert.Contains("finetune.epochs 4, now 5", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_SweepByFolds_ChoosesByCrossValidationAndTrainsOnTheSetsOwnParts()
    {
        using var tiny = new TinySuite();
        const string Recipes = "}, {name: s, learning_rates: [0.0000001, 0.005], batch_sizes: [16], epochs: 4, sweep_folds: 3}, {name: t, learning_rates: [0.005], batch_sizes: [16], epochs: 4, sweep_folds: 3";
        SuiteConfig suite = tiny.Suite("[{name: cnn, baseline: cnn, recipe: s}, {name: one rate, baseline: cnn, recipe: t}]", recipe: Recipes);
        (SuiteOutcome outcome, List<string> said) = TinySuite.Run(tiny.Request(suite));
        Assert.Equal((10, 0), (outcome.Done, outcome.Failures.Count));
        Assert.Contains(said, s => s.Contains("one, cnn, seed 1, learning rate 0.005, batch 16 tried on fold 3 of 3", StringComparison.Ordinal));
        JsonObject[] trials = [.. ((string[])["1e-07", "0.005"]).SelectMany(_ => (int[])[0, 1, 2], (rate, fold) => tiny.Cell($"one/cnn/trial-seed-1-fold-{fold}-lr{rate}-batch16"))];
        Assert.All(trials, t => Assert.Null(t["test"]));
        // 64 training and 20 validation rows in three folds.
        Assert.All(trials, t => Assert.Equal((56, 28, 20), ((int)t["data"]!["train"]!, (int)t["data"]!["validation"]!, (int)t["data"]!["test"]!)));
        Assert.Equal([0, 1, 2, 0, 1, 2], trials.Select(t => (int)t["fold"]!));
        Assert.Equal(3, trials.Skip(3).Select(t => t["validation"]!.ToJsonString()).Distinct().Count());
        JsonObject cell = tiny.Cell("one/cnn/seed-2");
        Assert.Equal((64, 20, 20), ((int)cell["data"]!["train"]!, (int)cell["data"]!["validation"]!, (int)cell["data"]!["test"]!));
        Assert.Equal(0.005, (double)cell["candidate"]!["learning_rate"]!);
        Assert.Equal(3, (int)cell["settings"]!["sweep_folds"]!);
        // Nothing to choose, nothing to divide.
        Assert.Null(tiny.Cell("one/one-rate/seed-1")["settings"]!["sweep_folds"]);
        Assert.Equal(cell["test"]!.ToJsonString(), tiny.Cell("one/one-rate/seed-2")["test"]!.ToJsonString());

        var e = Assert.Throws<RunFolderException>(() => SuiteRun.Begin(tiny.Request(suite with { Recipes = [.. suite.Recipes.Select(r => r with { SweepFolds = 4 })] })));
        Assert.Contains("sweep_folds 3, now 4", e.Message, StringComparison.Ordinal);
        Assert.Contains(new SuiteRecipeConfig { Name = "r", SweepFolds = 1 }.Validate(), p => p.StartsWith("sweep_folds: ", StringComparison.Ordinal));
    }

    /// <summary>Another process found the GPU full: a choice without that trial would not be the one that an undisturbed run makes.</summary>
    [Fact]
    public void Work_TrialFailed_NothingIsChosenUntilItIsTriedAgain()
    {
        using var tiny = new TinySuite();
        SuiteRequest request = tiny.Request(tiny.Suite("[{name: cnn, baseline: cnn, recipe: s}]", recipe: "}, {name: s, learning_rates: [0.0000001, 0.005], batch_sizes: [16], epochs: 4"));
        SuiteRun.Begin(request);
        string failure = tiny["out/cells/one/cnn/trial-seed-1-lr0.005-batch16.failed.json"];
        Directory.CreateDirectory(Path.GetDirectoryName(failure)!);
        File.WriteAllText(failure, """{"task": "one", "model": "cnn", "seed": 1, "error": "learning rate 0.005, batch 16 tried: out of memory"}""");
        SuiteRun.Work(request, _ => { }, _ => { });
        SuiteOutcome outcome = SuiteRun.Finish(request);
        Assert.Equal((1, 4), (outcome.Done, outcome.Cells));
        Assert.Equal(2, outcome.Failures.Count(f => f.Contains("its sweep is not decided: 1 of 2 trials failed (the first: learning rate 0.005, batch 16 tried)", StringComparison.Ordinal)));
        Assert.Contains(outcome.Failures, f => f.Contains("out of memory", StringComparison.Ordinal));

        (outcome, _) = TinySuite.Run(request);
        Assert.Equal((4, 0), (outcome.Done, outcome.Failures.Count));
        Assert.Equal(0.005, (double)tiny.Cell("one/cnn/seed-2")["candidate"]!["learning_rate"]!);

        // Seeds of one table are of one choice.
        string trial = tiny["out/cells/one/cnn/trial-seed-1-lr0.005-batch16.json"];
        var record = (JsonObject)JsonNode.Parse(File.ReadAllText(trial))!;
        record["selected"] = -1.0;
        File.WriteAllText(trial, record.ToJsonString());
        File.Delete(tiny["out/cells/one/cnn/seed-2.json"]);
        (outcome, _) = TinySuite.Run(request);
        Assert.Contains(outcome.Failures, f => f.Contains("seed 1 was trained with learning rate 0.005, batch 16, and the sweep's trials say learning rate 1E-07, batch 16 now: remove ", StringComparison.Ordinal));
        File.Delete(tiny["out/cells/one/cnn/seed-1.json"]);
        (outcome, _) = TinySuite.Run(request);
        Assert.Equal((4, 0), (outcome.Done, outcome.Failures.Count));
    }

    /// <summary>A second command forgets a failure while the first works on: the first takes the cell up again, and does not wait for it for ever.</summary>
    [Fact]
    public async Task Work_FailureForgottenMeanwhile_IsTriedAgain()
    {
        using var tiny = new TinySuite();
        SuiteRequest request = tiny.Request(tiny.Suite("[{name: cnn, baseline: cnn, recipe: s}]", recipe: "}, {name: s, learning_rates: [0.004, 0.005], batch_sizes: [16], epochs: 1"));
        SuiteRun.Begin(request);
        string failure = tiny["out/cells/one/cnn/trial-seed-1-lr0.005-batch16.failed.json"];
        Directory.CreateDirectory(Path.GetDirectoryName(failure)!);
        File.WriteAllText(failure, "{}");
        Task work;
        using (CellClaim.Take(tiny["out/claims/one/cnn/seed-1.lock"]))
        using (CellClaim.Take(tiny["out/claims/one/cnn/seed-2.lock"]))
        {
            work = Task.Run(() => SuiteRun.Work(request, _ => { }, _ => { }));
            while (!File.Exists(tiny["out/cells/one/cnn/trial-seed-1-lr0.004-batch16.json"]))
            {
                await Task.Delay(20);
            }

            File.Delete(failure);
        }

        await work.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.True(File.Exists(tiny["out/cells/one/cnn/trial-seed-1-lr0.005-batch16.json"]));
        Assert.True(File.Exists(tiny["out/cells/one/cnn/seed-2.json"]));
    }

    [Fact]
    public void Text_FullDevice_IsOneSentence()
    {
        string text = CellError.Text(new TorchOutOfMemoryException("CUDA out of memory. Tried to allocate 44.00 MiB. GPU 0 has a total capacity of 139.80 GiB."));
        Assert.Equal("out of memory: fewer processes at once (--jobs) leave each one more", text);
        Assert.Equal("no such file", CellError.Text(new FileNotFoundException("no such file")));
    }

    [Fact]
    public void Run_SweepOfMoreFoldsThanAClassHasRows_FailsBeforeAnythingTrains()
    {
        using var tiny = new TinySuite();
        File.WriteAllText(tiny["rare.csv"], TinySet.Csv(64, 20, 20, i => i < 3 || i is 64 or 84 ? "1" : "0"));
        const string Recipes = "}, {name: s, learning_rates: [0.002, 0.005], batch_sizes: [16], epochs: 1, sweep_folds: 6";
        SuiteConfig suite = tiny.Suite("[{name: cnn, baseline: cnn, recipe: s}]", "[{name: rare, path: rare.csv}]", Recipes);
        (SuiteOutcome outcome, _) = TinySuite.Run(tiny.Request(suite));
        Assert.Equal(0, outcome.Done);
        Assert.Contains(outcome.Failures, f => f.Contains("tried on fold 1 of 6: fold ", StringComparison.Ordinal) && f.Contains("has the class '0' in every row", StringComparison.Ordinal));
        // Failed trials of a sweep that is not asked for any more are forgotten.
        (SuiteOutcome without, _) = TinySuite.Run(tiny.Request(suite with { Recipes = [.. suite.Recipes.Select(r => r with { SweepFolds = 0 })] }));
        Assert.Empty(without.Failures);
    }

    [Fact]
    public void Run_AlignedRecipesAndSeedsOfAModel_AreUsedWhereTheyBelong()
    {
        using var tiny = new TinySuite();
        const string Recipes = "}, {name: a, learning_rates: [0.004], batch_sizes: [16], epochs: 1}, {name: b, learning_rates: [0.003], batch_sizes: [16], epochs: 1";
        SuiteConfig suite = tiny.Suite("[{name: m, baseline: cnn, recipe: r, aligned_recipes: [a, b], seeds: [7]}, {name: n, baseline: cnn, recipe: r, aligned_recipes: [a], task_recipes: {two: b}}]",
            "[{name: one, path: set.csv}, {name: two, path: other.csv, aligned: true}]", Recipes);
        (SuiteOutcome outcome, _) = TinySuite.Run(tiny.Request(suite));
        // A cell of m on either task and two candidates on the second; two seeds of n on both.
        Assert.Equal((8, 0), (outcome.Done, outcome.Failures.Count));
        Assert.Equal(0.005, (double)tiny.Cell("one/m/seed-7")["candidate"]!["learning_rate"]!);
        Assert.True(File.Exists(tiny["out/cells/two/m/trial-seed-7-b-lr0.003-batch16.json"]));
        Assert.Contains((double)tiny.Cell("two/m/seed-7")["candidate"]!["learning_rate"]!, (double[])[0.004, 0.003]);
        Assert.Equal(0.003, (double)tiny.Cell("two/n/seed-2")["candidate"]!["learning_rate"]!);
        Assert.Equal(0.005, (double)tiny.Cell("one/n/seed-2")["candidate"]!["learning_rate"]!);

        Assert.Contains((suite with { Recipes = [.. suite.Recipes.Select(r => r.Name == "b" ? r with { SweepFolds = 2 } : r)] }).Validate(), p => p.Contains("'m' differ", StringComparison.Ordinal));
        Assert.Contains((suite with { Models = [suite.Models[0] with { AlignedRecipes = ["a", "c"] }] }).Validate(), p => p.Contains("'c' of 'm'", StringComparison.Ordinal));
        Assert.Contains((suite.Models[0] with { Seeds = [1, 1] }).Validate(), p => p.StartsWith("seeds: ", StringComparison.Ordinal));
    }

    [Fact]
    public void Run_TrialWhoseAdaptationDiverges_LosesAndIsNoFailure()
    {
        using var tiny = new TinySuite();
        const string Recipes = "}, {name: a, learning_rates: [1e30, 0.01], batch_sizes: [16], epochs: 1, adapt_steps: 4, clip_norm: 0}, {name: unused";
        (SuiteOutcome outcome, _) = TinySuite.Run(tiny.Request(tiny.Suite($"[{{name: m, checkpoint: {tiny.Checkpoint()}, recipe: a}}]", recipe: Recipes)));
        Assert.Empty(outcome.Failures);
        Assert.Contains("adapt_steps", (string?)tiny.Cell("one/m/trial-seed-1-lr1e+30-batch16")["diverged"], StringComparison.Ordinal);
        Assert.Equal(0.01, (double)tiny.Cell("one/m/seed-1")["candidate"]!["learning_rate"]!);
    }

    /// <summary>A cell of an older program, which had not learnt a setting yet, is as good as one with its default.</summary>
    [Fact]
    public void Begin_SeveralRecipesOfAnOlderProgram_AreGoneOnWith()
    {
        using var tiny = new TinySuite();
        const string Recipes = "}, {name: a, learning_rates: [0.01], batch_sizes: [16], epochs: 1}, {name: b, learning_rates: [0.02], batch_sizes: [16], epochs: 1}, {name: unused";
        SuiteConfig suite = tiny.Suite("[{name: m, baseline: cnn, recipes: [a, b]}]", recipe: Recipes);
        TinySuite.Run(tiny.Request(suite));
        string file = tiny["out/cells/one/m/seed-1.json"];
        var record = (JsonObject)JsonNode.Parse(File.ReadAllText(file))!;
        foreach (string name in (string[])["a", "b"])
        {
            Assert.True(((JsonObject)record["settings"]!["recipes"]![name]!["finetune"]!).Remove("language_weight"));
        }

        record["settings_sha256"] = "older";
        File.WriteAllText(file, record.ToJsonString());
        (_, List<string> said) = TinySuite.Run(tiny.Request(suite));
        Assert.Empty(said);
    }

    [Fact]
    public void Run_ModelThatSaysOneClass_HasAnMccOfZero()
    {
        using var tiny = new TinySuite();
        (SuiteOutcome outcome, _) = TinySuite.Run(tiny.Request(tiny.Suite("[{name: cnn, baseline: cnn, recipe: r}]", recipe: "}, {name: unused") with
        {
            Recipes = [new() { Name = "r", LearningRates = [1e-9], BatchSizes = [64], Epochs = 1 }],
        }));
        Assert.Null(tiny.Cell("one/cnn/seed-1")["test"]!["metrics"]!["mcc"]!["value"]);
        Assert.Equal((2, 0.0), (outcome.Table.Rows[0].Cells[0]!.Runs, outcome.Table.Rows[0].Cells[0]!.Mean));
    }

    [Fact]
    public void Choice_ByMeanOverSeeds_LeavesOutWhatFailed()
    {
        static string? Choose(bool smallIsGood, params (string Candidate, double? Validation, double? Loss)[] trials) => SweepChoice.Of(trials, smallIsGood);
        Assert.Equal("b", Choose(false, ("a", 0.5, 1), ("b", 0.6, 2), ("a", 0.6, 1), ("b", 0.55, 2)));
        Assert.Equal("a", Choose(false, ("a", 0.5, 1), ("b", null, 1), ("b", 0.9, 1)));
        Assert.Equal("a", Choose(true, ("a", 0.5, 2), ("b", 0.6, 1)));
        Assert.Equal("b", Choose(false, ("a", 0.5, 2), ("b", 0.5, 1)));
        Assert.Equal("a", Choose(false, ("a", 0.5, 1), ("b", 0.5, 1)));
        Assert.Equal("a", Choose(false, ("a", 0.5, null), ("b", 0.5, 1)));
        Assert.Equal("a", Choose(false, ("a", 0.5, 1), ("b", 0.5, null)));
        Assert.Null(Choose(false, ("a", null, 1), ("b", double.NaN, 1)));
        Assert.Throws<ArgumentException>(() => SweepChoice.Of(Array.Empty<(string, double?, double?)>()));
    }

    [Fact]
    public void Run_Leaks_AreCountedAndDropped()
    {
        using var tiny = new TinySuite();
        string[] lines = File.ReadAllLines(tiny["set.csv"]);
        // The first training row is tested on, too.
        lines[^1] = lines[1].Replace("train", "test", StringComparison.Ordinal);
        File.WriteAllLines(tiny["set.csv"], lines);
        SuiteConfig suite = tiny.Suite(Kmer);
        TinySuite.Run(tiny.Request(suite, "with"));
        TinySuite.Run(tiny.Request(suite with { DropLeaks = true }, "without"));
        JsonNode with = tiny.Cell("one/kmer/seed-1", "with")["data"]!, without = tiny.Cell("one/kmer/seed-1", "without")["data"]!;
        Assert.Equal((1, 64, 0), ((int)with["leaks"]!["train_test"]!, (int)with["train"]!, (int)with["dropped"]!));
        Assert.Equal((1, 63, 1), ((int)without["leaks"]!["train_test"]!, (int)without["train"]!, (int)without["dropped"]!));
        // Or one task says so.
        SuiteConfig task = suite with { Tasks = [.. suite.Tasks.Select(t => t with { DropLeaks = t.Name == "one" })] };
        TinySuite.Run(tiny.Request(task, "task"));
        Assert.Equal(without.ToJsonString(), tiny.Cell("one/kmer/seed-1", "task")["data"]!.ToJsonString());
        Assert.Throws<RunFolderException>(() => SuiteRun.Begin(tiny.Request(task, "with")));
    }

    [Fact]
    public void Table_WithoutCells_AndUnknownNames_AreRefused()
    {
        using var tiny = new TinySuite();
        SuiteRequest request = tiny.Request(tiny.Suite(Kmer));
        Assert.Contains("no cells", Assert.Throws<RunFolderException>(() => SuiteRun.Table(request)).What, StringComparison.Ordinal);
        Assert.Contains("'kmers'", Assert.Throws<ConfigException>(() => SuiteRun.Begin(request with { Models = ["kmers"] })).Message, StringComparison.Ordinal);
        var e = Assert.Throws<ConfigException>(() => SuiteRun.Begin(tiny.Request(tiny.Suite("[{name: m, checkpoint: given, recipe: r}]"))));
        Assert.Contains("--checkpoint \"m=DIR\"", e.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(tiny["out"]));
    }
}
