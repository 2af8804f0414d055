using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using GenoSeq.Torch.IO;
using GenoSeq.Training.FineTuning.Suite;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.Studies;

/// <summary>
/// What a study keeps on disk: <c>cells/MODEL/CONDITIONS/seed-N.json</c> for each finished cell (<c>trial-RATE-seed-N.json</c> for those of
/// sweeps, <c>*.failed.json</c> for failures), half-finished ones in <c>work</c>, claims of processes in <c>claims</c>.
/// </summary>
internal sealed class StudyFolder(string path)
{
    private const string Ending = ".json";
    private const string FailedEnding = ".failed.json";

    internal string FullPath { get; } = Path.GetFullPath(path);

    /// <summary>File of a finished cell.</summary>
    internal string RecordFile(StudyCell cell) => InPart("cells", cell, Ending);

    /// <summary>File of a cell's failure.</summary>
    internal string FailureFile(StudyCell cell) => InPart("cells", cell, FailedEnding);

    /// <summary>Folder of a cell that is not finished.</summary>
    internal string WorkOf(StudyCell cell) => InPart("work", cell, "");

    /// <summary>Claims a cell; null if another process works on it.</summary>
    internal CellClaim? Claim(StudyCell cell) => CellClaim.Take(InPart("claims", cell, ".lock"));

    /// <summary>Whether nothing is left to do for a cell: it is finished, or failed.</summary>
    internal bool IsSettled(StudyCell cell) => File.Exists(RecordFile(cell)) || File.Exists(FailureFile(cell));

    /// <summary>What a finished cell left; null: it is not finished.</summary>
    /// <exception cref="RunFolderException">The file is no cell's.</exception>
    internal StudyRecord? Record(StudyCell cell) => Read(RecordFile(cell), StudyRecordJson.Default.StudyRecord);

    /// <summary>How a cell failed; null: it did not.</summary>
    /// <exception cref="RunFolderException">The file is no failure's.</exception>
    internal StudyFailure? Failure(StudyCell cell) => File.Exists(RecordFile(cell)) ? null : Read(FailureFile(cell), StudyRecordJson.Default.StudyFailure);

    internal void Write(StudyCell cell, StudyRecord record)
    {
        Write(RecordFile(cell), record.ToJson());
        File.Delete(FailureFile(cell));
        Forget(cell);
    }

    internal void Write(StudyCell cell, StudyFailure failure) =>
        Write(FailureFile(cell), JsonSerializer.Serialize(failure, StudyRecordJson.Default.StudyFailure) + "\n");

    /// <summary>Forgets failures of cells that are to be tried again.</summary>
    internal void Begin(IEnumerable<StudyCell> cells)
    {
        Directory.CreateDirectory(FullPath);
        foreach (string failure in cells.Select(FailureFile).Where(File.Exists))
        {
            File.Delete(failure);
        }
    }

    private void Forget(StudyCell cell)
    {
        string work = WorkOf(cell);
        if (Directory.Exists(work))
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static void Write(string file, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        AtomicFile.WriteAllText(file, text);
    }

    private string InPart(string part, StudyCell cell, string ending) => Path.Combine(FullPath, part, cell.File) + ending;

    private static T? Read<T>(string file, JsonTypeInfo<T> type)
        where T : class
    {
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(file), type) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new RunFolderException($"this file is no finished cell: {e.Message}", file, "what `genoseq study` wrote", "removing it: the cell is then repeated");
        }
    }
}
