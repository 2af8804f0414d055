using System.Text.Json;
using GenoSeq.Torch.IO;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>
/// What a suite keeps on disk: <c>cells/TASK/MODEL/seed-N.json</c> for each finished cell (<c>trial-seed-N-*.json</c> for those of
/// sweeps, <c>*.failed.json</c> for failures), learning curves in <c>curves</c>, claims in <c>claims</c>.
/// </summary>
internal sealed class SuiteFolder(string path)
{
    private const string Ending = ".json";
    private const string FailedEnding = ".failed.json";

    internal string FullPath { get; } = System.IO.Path.GetFullPath(path);

    /// <summary>A name as a file's: lower-case letters, digits, underscores, and hyphens for the rest.</summary>
    internal static string FileName(string name) => FileNames.Of(name);

    /// <summary>File of a finished cell.</summary>
    internal string RecordFile(Cell cell) => InPart("cells", cell, Ending);

    /// <summary>File of a cell's failure.</summary>
    internal string FailureFile(Cell cell) => InPart("cells", cell, FailedEnding);

    /// <summary>A cell's learning curve, begun anew.</summary>
    internal MetricsWriter Curve(Cell cell)
    {
        string file = InPart("curves", cell, ".jsonl");
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        File.Delete(file);
        return MetricsWriter.Create(file);
    }

    /// <summary>Claims a cell; null if another process, or another thread, works on it.</summary>
    internal CellClaim? Claim(Cell cell) => CellClaim.Take(InPart("claims", cell, ".lock"));

    /// <summary>Whether nothing is left to do for a cell: it is finished, or failed.</summary>
    internal bool IsSettled(Cell cell) => File.Exists(RecordFile(cell)) || File.Exists(FailureFile(cell));

    /// <summary>What a finished cell left; null: it is not finished.</summary>
    /// <exception cref="RunFolderException">The file is no cell's.</exception>
    internal CellRecord? Record(Cell cell) => Read(RecordFile(cell));

    /// <summary>Any finished cell of a task; null: there is none.</summary>
    internal CellRecord? AnyOf(SuiteTaskConfig task)
    {
        string folder = System.IO.Path.Combine(FullPath, "cells", FileName(task.Name));
        string? file = !Directory.Exists(folder) ? null : Directory.EnumerateFiles(folder, "*" + Ending, SearchOption.AllDirectories)
            .FirstOrDefault(f => !f.EndsWith(FailedEnding, StringComparison.Ordinal));
        return file is null ? null : Read(file);
    }

    internal void Write(Cell cell, CellRecord record)
    {
        string file = RecordFile(cell);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        AtomicFile.WriteAllText(file, record.ToJson());
        File.Delete(FailureFile(cell));
    }

    internal void Write(Cell cell, CellFailure failure)
    {
        string file = FailureFile(cell);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        AtomicFile.WriteAllText(file, JsonSerializer.Serialize(failure, CellJson.Default.CellFailure) + "\n");
    }

    /// <summary>Records the suite as it was asked for; forgets failures of cells that are to be tried again.</summary>
    internal void Begin(SuiteConfig suite, IEnumerable<Cell> cells)
    {
        Directory.CreateDirectory(FullPath);
        AtomicFile.WriteAllText(System.IO.Path.Combine(FullPath, "suite.yaml"), ConfigWriter.ToYaml(suite, SuiteJson.Default.SuiteConfig));
        foreach (Cell cell in cells)
        {
            string failure = FailureFile(cell);
            if (File.Exists(failure))
            {
                File.Delete(failure);
            }
        }

        // Of sweeps also those that are not tried any more.
        foreach (string folder in cells.Select(c => System.IO.Path.GetDirectoryName(FailureFile(c))!).Distinct().Where(Directory.Exists))
        {
            foreach (string failure in Directory.EnumerateFiles(folder, "trial-*" + FailedEnding))
            {
                File.Delete(failure);
            }
        }
    }

    /// <summary>Finished cells of the table, of tasks and models that the suite has; in the order of their names.</summary>
    /// <exception cref="RunFolderException">A file is no cell's, or cells of one model on one task were made with different settings.</exception>
    internal IReadOnlyList<CellRecord> Records(SuiteConfig suite)
    {
        CellRecord[] all = [.. Files(suite, "seed-*" + Ending).Where(f => !f.EndsWith(FailedEnding, StringComparison.Ordinal)).Select(f => Read(f)!)];
        if (all.GroupBy(r => (r.Task, r.Model)).FirstOrDefault(g => Differ([.. g.DistinctBy(r => r.SettingsSha256)])) is { } mixed)
        {
            throw new RunFolderException($"the cells of '{mixed.Key.Model}' on '{mixed.Key.Task}' were made with different settings", FullPath,
                "the same for all seeds", "removing the cells of one of them");
        }

        return all;
    }

    // Of two programs' settings the later one's have more keys.
    private static bool Differ(CellRecord[] records) =>
        records.Skip(1).Any(r => !CellSettings.Same(records[0].Settings, r.Settings) && !CellSettings.Same(r.Settings, records[0].Settings));

    /// <summary>Failures of the table's cells, and of trials.</summary>
    internal IReadOnlyList<CellFailure> Failures(SuiteConfig suite) =>
    [
        .. Files(suite, "*" + FailedEnding).Select(f => JsonSerializer.Deserialize(File.ReadAllText(f), CellJson.Default.CellFailure)!)
            .OrderBy(f => f.Task, StringComparer.Ordinal).ThenBy(f => f.Model, StringComparer.Ordinal).ThenBy(f => f.Seed),
    ];

    private IEnumerable<string> Files(SuiteConfig suite, string pattern) =>
        from task in suite.Tasks
        from model in suite.Models
        let folder = System.IO.Path.Combine(FullPath, "cells", FileName(task.Name), FileName(model.Name))
        where Directory.Exists(folder)
        from file in Directory.EnumerateFiles(folder, pattern).Order(StringComparer.Ordinal)
        select file;

    private string InPart(string part, Cell cell, string ending) => System.IO.Path.Combine(FullPath, part, cell.File) + ending;

    private static CellRecord? Read(string file)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(file), CellJson.Default.CellRecord) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new RunFolderException($"this file is no finished cell: {e.Message}", file, "what `genoseq benchmark` wrote", "removing it: the cell is then repeated");
        }
    }
}
