using System.Text.Json.Nodes;
using GenoSeq.Data;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>The cells of a suite that were asked for, the longest first, and what is not there to be run.</summary>
internal sealed class SuitePlan
{
    private readonly Dictionary<string, (JsonObject Settings, string Sha256)> _settings = [];
    private readonly SuiteModels _models;

    private SuitePlan(SuiteConfig suite, SuiteFolder folder) => (Suite, Folder, _models) = (suite, folder, new SuiteModels(suite));

    internal SuiteConfig Suite { get; }

    internal SuiteFolder Folder { get; }

    /// <summary>Cells in the order of work. Those of a sweep come before those that need its choice.</summary>
    internal IReadOnlyList<Cell> Cells { get; private init; } = [];

    /// <summary>Tasks that were asked for and whose data are not there.</summary>
    internal IReadOnlyList<SuiteTaskConfig> Absent { get; private init; } = [];

    /// <summary>Plans.</summary>
    /// <exception cref="ConfigException">A name is unknown, a checkpoint was not given, or settings are wrong.</exception>
    /// <exception cref="InputDataException">The data of no task are there.</exception>
    internal static SuitePlan Of(SuiteRequest request)
    {
        SuiteConfig suite = request.Suite;
        SuiteTaskConfig[] tasks = Selected(suite.Tasks, t => t.Name, request.Tasks, "--task");
        SuiteModelConfig[] models = Selected(suite.Models, m => m.Name, request.Models, "--model");
        SuiteTaskConfig[] present = [.. tasks.Where(t => Size(suite, t) is not null)];
        if (present.Length == 0)
        {
            throw new InputDataException("the data of no task are there", Path.GetFullPath(suite.Root), $"{tasks[0].Path} and others below this folder", "root=DIR");
        }

        var cells = new List<(Cell Cell, double Cost)>();
        foreach (SuiteTaskConfig task in present)
        {
            foreach (SuiteModelConfig model in models.Where(m => m.IsRandom || task.Kind == "class"))
            {
                IReadOnlyList<SuiteRecipeConfig> recipes = suite.RecipesOf(model, task.Name);
                // Baselines take little beside a sequence model.
                double cost = Size(suite, task)!.Value * (model.Baseline is null ? 20.0 : 1);
                IReadOnlyList<long> seeds = request.Seeds.Count > 0 ? request.Seeds : suite.SeedsOf(model);
                Cell[] table = [.. (model.IsRandom ? seeds : [suite.SeedsOf(model)[0]]).Select(s => new Cell(task, model, recipes, s))];
                cells.AddRange(Trials(suite, table[0]).Select(c => (c, 2 * cost)));
                cells.AddRange(table.Select(c => (c, cost)));
            }
        }

        var plan = new SuitePlan(suite, new SuiteFolder(request.Out))
        {
            Cells = [.. cells.OrderByDescending(c => c.Cost).Select(c => c.Cell)],
            Absent = [.. tasks.Except(present)],
        };
        plan.Check();
        return plan;
    }

    /// <summary>The cell's model.</summary>
    internal SuiteModel ModelOf(Cell cell) => _models.Of(cell.Model);

    /// <summary>What the cell's result depends on, and its digest.</summary>
    internal (JsonObject Settings, string Sha256) SettingsOf(Cell cell)
    {
        // The same for all seeds.
        string key = (cell with { Seed = 0 }).File;
        if (!_settings.TryGetValue(key, out (JsonObject, string) known))
        {
            JsonObject settings = CellSettings.Of(Suite, cell, ModelOf(cell));
            _settings[key] = known = (settings, CellSettings.Digest(settings));
        }

        return known;
    }

    /// <summary>The cells that decide the sweep of a cell of the table; none where there is nothing to choose.</summary>
    internal IEnumerable<Cell> TrialsOf(Cell cell) => Trials(Suite, cell);

    /// <summary>Refuses a folder in which a cell of the plan was made with other settings.</summary>
    /// <exception cref="RunFolderException">There is one.</exception>
    internal void RequireSameSettings()
    {
        foreach (Cell cell in Cells)
        {
            if (Folder.Record(cell) is { } record && record.SettingsSha256 != SettingsOf(cell).Sha256
                && !CellSettings.Same(record.Settings, SettingsOf(cell).Settings))
            {
                throw new RunFolderException(
                    $"a cell here was made with other settings ({cell}): {CellSettings.Differences(record.Settings, SettingsOf(cell).Settings)}",
                    Folder.RecordFile(cell), "a folder of the same suite",
                    $"another --out, the settings of {Path.Combine(Folder.FullPath, "suite.yaml")}, or removing {Path.GetDirectoryName(Folder.RecordFile(cell))} to run these cells again");
            }
        }
    }

    private static IEnumerable<Cell> Trials(SuiteConfig suite, Cell cell)
    {
        IReadOnlyList<SweepCandidate> candidates = cell.Candidates;
        int folds = cell.Recipe.SweepFolds;
        return candidates.Count == 1 || !cell.Model.IsRandom
            ? []
            : from seed in CellSettings.SweepSeeds(suite, cell)
              from fold in folds == 0 ? (int?[])[null] : Enumerable.Range(0, folds).Select(f => (int?)f)
              from candidate in candidates
              select cell with { Seed = seed, Trial = candidate, Fold = fold };
    }

    // Whatever the settings say wrong of a model is said before anything runs.
    private void Check()
    {
        var problems = new List<ConfigProblem>();
        foreach ((Cell cell, SweepCandidate candidate) in Cells.Where(c => c.Model.Baseline is null && c.Trial is null).DistinctBy(c => (c.Model.Name, c.Task.Name))
            .SelectMany(c => c.Candidates.DistinctBy(s => s.Recipe), (c, s) => (c, s)))
        {
            FineTuneConfig config = CellSettings.Config(Suite, cell, candidate, ModelOf(cell));
            problems.AddRange(config.Validate().Concat(config.Finetune.Validate().Select(p => $"finetune.{p}")).Concat(config.Data.Validate().Select(p => $"data.{p}"))
                .Concat(StartingWeights.Problem(config.Finetune, config.Model) is { } layers ? [$"{layers.Path}: {layers.What}"] : [])
                .Select(p => new ConfigProblem($"{cell.Model.Name} on {cell.Task.Name}", p)));
        }

        if (problems.Count > 0)
        {
            throw new ConfigException(problems);
        }
    }

    private static T[] Selected<T>(IReadOnlyList<T> all, Func<T, string> name, IReadOnlyList<string> wanted, string option)
    {
        if (wanted.FirstOrDefault(w => all.All(a => name(a) != w)) is { } unknown)
        {
            IReadOnlyList<string> near = NearestName.Suggest(unknown, all.Select(name));
            throw new ConfigException(new ConfigProblem("", $"{option} is '{unknown}', which the suite does not have", null,
                $"one of {string.Join(", ", all.Select(name))}", near.Count > 0 ? string.Join(" or ", near) : null));
        }

        T[] selected = [.. all.Where(a => wanted.Count == 0 || wanted.Contains(name(a)))];
        return selected.Length > 0 ? selected : throw new ConfigException(new ConfigProblem("", $"the suite has nothing that {option} could choose", null, "at least one"));
    }

    // Bytes on disk; null: nothing is there.
    private static long? Size(SuiteConfig suite, SuiteTaskConfig task)
    {
        string path = Path.Combine(suite.Root, task.Path);
        return File.Exists(path) ? new FileInfo(path).Length
            : Directory.Exists(path) ? new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length)
            : null;
    }
}
