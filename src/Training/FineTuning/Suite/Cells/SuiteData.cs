using System.Globalization;
using GenoSeq.Data;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>The data of one task as a recipe divides them. One set is kept open: cells of a task tend to follow each other.</summary>
internal sealed class SuiteData(SuitePlan plan) : IDisposable
{
    private (string Key, LabelledSet Read, LabelledSet Set, CellData About)? _open;

    /// <summary>The set of a cell, and what its file says of it.</summary>
    /// <exception cref="InputDataException">It cannot be read, learnt or judged, or is not the one that other cells of the task were made with.</exception>
    internal (LabelledSet Set, CellData About) Of(Cell cell)
    {
        SuiteRecipeConfig recipe = cell.Recipe;
        bool drop = CellSettings.DropsLeaks(plan.Suite, cell);
        string key = string.Create(CultureInfo.InvariantCulture, $"{cell.Task.Name}|{recipe.ValidationFraction:R}|{recipe.SplitSeed}|{drop}|{cell.Fold}|{recipe.SweepFolds}");
        if (_open?.Key != key)
        {
            Dispose();
            _open = Open(cell, key, drop);
        }

        (_, _, LabelledSet set, CellData about) = _open.Value;
        if (plan.Folder.AnyOf(cell.Task) is { } other && other.Data.Sha256 != about.Sha256)
        {
            throw new InputDataException("these data are not those of the task's other cells", set.Name, $"the digest {other.Data.Sha256}",
                $"another --out, or removing {Path.GetDirectoryName(Path.GetDirectoryName(plan.Folder.RecordFile(cell)))}");
        }

        return (set, about);
    }

    public void Dispose()
    {
        _open?.Read.Dispose();
        _open = null;
    }

    private (string Key, LabelledSet Read, LabelledSet Set, CellData About) Open(Cell cell, string key, bool drop)
    {
        LabelledDataConfig data = CellSettings.Data(plan.Suite, cell.Task);
        LabelledSet read = LabelledSets.Open(data.Path, data.Options(null));
        try
        {
            // Of the set as it was read: the same however recipes divide it.
            string sha256 = read.Sha256;
            string[] notes = [.. read.Warnings, .. Rows(cell.Task, read)];
            if (cell.Fold is not null)
            {
                // Each of a sweep's trials finds what ails any of them, so that none runs in vain.
                LabelledChecks.RequireFolds(read, cell.Recipe.SweepFolds, cell.Recipe.SplitSeed, "sweep_folds");
            }

            LabelledSet set = cell.Fold is { } fold ? read.Fold(cell.Recipe.SweepFolds, fold, cell.Recipe.SplitSeed)
                : read.Rows(LabelledPart.Dev).Count == 0 && read.Rows(LabelledPart.Train).Count > 0
                ? read.HoldOut(cell.Recipe.ValidationFraction, cell.Recipe.SplitSeed)
                : read;
            LabelledChecks.RequireTrainable(set);
            if (set.Rows(LabelledPart.Test).Count == 0)
            {
                throw new InputDataException("the set has no test part", data.Path, "rows to judge models by", "name its file: test_file");
            }

            LabelledLeaks leaks = LabelledLeaks.Find(set);
            int before = set.Rows(LabelledPart.Train).Count;
            set = drop ? set.DropLeaks(leaks) : set;
            int train = set.Rows(LabelledPart.Train).Count;
            LabelledRepeats inTrain = leaks.Repeats[0];
            var about = new CellData(sha256, train, set.Rows(LabelledPart.Dev).Count, set.Rows(LabelledPart.Test).Count,
                new CellLeaks(leaks.Shared[0].RowsOfB, leaks.Shared[1].RowsOfB, leaks.Shared[2].RowsOfB, inTrain.Equal + inTrain.ReverseOnly), before - train, notes);
            return (key, read, set, about);
        }
        catch
        {
            read.Dispose();
            throw;
        }
    }

    // Whether the set is the published one.
    private static IEnumerable<string> Rows(SuiteTaskConfig task, LabelledSet set)
    {
        foreach ((string part, int published, int there) in new[]
        {
            ("training", task.TrainRows, set.Rows(LabelledPart.Train).Count), ("test", task.TestRows, set.Rows(LabelledPart.Test).Count),
        })
        {
            if (published > 0 && published != there)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{there:N0} {part} rows, where the published set has {published:N0}");
            }
        }
    }
}
