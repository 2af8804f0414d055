using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GenoSeq.Torch.IO;

namespace GenoSeq.Training.Runs;

/// <summary>The folder of one run: what was asked, where, with what data, and what came of it.</summary>
/// <remarks>
/// <code>
/// config.yaml  overrides.yaml  command.txt  environment.json  data_manifest.json
/// metrics.jsonl  log.txt  summary.json  checkpoints/
/// </code>
/// Small files are replaced atomically. While it is open, other processes are kept out (<c>.lock</c>, <c>.holder</c>).
/// </remarks>
public sealed class RunFolder : IDisposable
{
    /// <summary>Name of the folder of a sweep's candidates, which are there before the run that is chosen among them.</summary>
    internal const string Sweep = "sweep";

    private static readonly string[] s_known =
    [
        "config.yaml", "overrides.yaml", "command.txt", "environment.json", "data_manifest.json", "metrics.jsonl", "log.txt",
        "summary.json", "checkpoints", Sweep, RunLock.LockName, RunLock.HolderName,
    ];

    // Any of these is enough to know a run by.
    private static readonly string[] s_marks = ["config.yaml", "metrics.jsonl", RunLock.LockName];

    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    private readonly RunLock _lock;
    private StreamWriter? _log;

    private RunFolder(string path, RunLock held)
    {
        FullPath = path;
        _lock = held;
    }

    /// <summary>The folder's full path.</summary>
    public string FullPath { get; }

    /// <summary>The fully resolved configuration.</summary>
    public string ConfigPath => Path.Combine(FullPath, "config.yaml");

    /// <summary>The metrics, one JSON object a line.</summary>
    public string MetricsPath => Path.Combine(FullPath, "metrics.jsonl");

    /// <summary>The words that the run said.</summary>
    public string LogPath => Path.Combine(FullPath, "log.txt");

    /// <summary>The folder of checkpoints.</summary>
    public string CheckpointsPath => Path.Combine(FullPath, "checkpoints");

    /// <summary>The name of a run begun at <paramref name="time"/>: <c>2026-11-22_1430_mamba-tiny_s42</c>.</summary>
    /// <remarks>Characters outside letters, digits, <c>. _ -</c> become <c>-</c>.</remarks>
    public static string NameOf(DateTime time, string name, ulong seed)
    {
        StringBuilder safe = new();
        foreach (char c in name)
        {
            safe.Append(char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '-');
        }

        return string.Create(CultureInfo.InvariantCulture, $"{time:yyyy-MM-dd_HHmm}_{(safe.Length > 0 ? safe : "run")}_s{seed}");
    }

    /// <summary>A new run below <paramref name="root"/> named by <see cref="NameOf"/>; a name already taken gets <c>-2</c>, <c>-3</c> …</summary>
    public static RunFolder CreateBelow(string root, DateTime time, string name, ulong seed)
    {
        string first = Path.Combine(root, NameOf(time, name, seed));
        for (int n = 1; ; n++)
        {
            string path = n == 1 ? first : string.Create(CultureInfo.InvariantCulture, $"{first}-{n}");
            if (!Path.Exists(path))
            {
                return Create(path);
            }
        }
    }

    /// <summary>A new run in <paramref name="path"/>, which must be absent or empty.</summary>
    /// <exception cref="RunFolderException">It holds a run or other files, is a file, or is held by another process.</exception>
    public static RunFolder Create(string path)
    {
        RequireRunOrEmpty(path);

        // A lock alone is a run that never began.
        if (Directory.Exists(path) && Names(path).Any(name => name is not (RunLock.LockName or RunLock.HolderName or "checkpoints" or Sweep)))
        {
            throw new RunFolderException("this folder holds a run already", path, "a new or empty folder", "--resume auto, or another --out");
        }

        return Take(path);
    }

    /// <summary>The run in <paramref name="path"/>, to continue it.</summary>
    /// <exception cref="RunFolderException">There is none, or another process holds it.</exception>
    public static RunFolder Open(string path)
    {
        RequireRunOrEmpty(path);
        if (!IsRun(path))
        {
            throw new RunFolderException("there is no run here to resume", path, "the folder of a run", "--resume never, or another path");
        }

        return Take(path);
    }

    /// <summary>True when <paramref name="path"/> is the folder of a run.</summary>
    public static bool IsRun(string path) => s_marks.Any(mark => File.Exists(Path.Combine(path, mark)));

    /// <summary>Writes a small text file of the run atomically, ending in a line feed.</summary>
    public void WriteText(string name, string text) =>
        AtomicFile.WriteAllText(Path.Combine(FullPath, name), text.EndsWith('\n') ? text : text + "\n");

    /// <summary>Writes <c>config.yaml</c>, the fully resolved configuration.</summary>
    public void WriteConfig(string yaml) => WriteText("config.yaml", yaml);

    /// <summary>Writes <c>overrides.yaml</c>: what the user typed, one override an item.</summary>
    public void WriteOverrides(IReadOnlyList<string> overrides) => WriteText(
        "overrides.yaml",
        overrides.Count == 0 ? "[]" : string.Join('\n', overrides.Select(o => "- " + Configuration.YamlText.Scalar(JsonValue.Create(o)))));

    /// <summary>Writes <c>command.txt</c>: the command line, quoted so that a POSIX shell reads it back.</summary>
    public void WriteCommand(IReadOnlyList<string> arguments) => WriteText("command.txt", string.Join(' ', arguments.Select(Quote)));

    /// <summary>Writes <c>environment.json</c>.</summary>
    public void WriteEnvironment(EnvironmentInfo environment) => WriteJson("environment.json", environment.ToJson());

    /// <summary>Writes <c>data_manifest.json</c>: files, sizes, digests, sequences.</summary>
    public void WriteDataManifest(JsonNode manifest) => WriteJson("data_manifest.json", manifest);

    /// <summary>Writes <c>summary.json</c>: final metrics, wall time, tokens, exit reason.</summary>
    public void WriteSummary(JsonNode summary) => WriteJson("summary.json", summary);

    /// <summary>Appends a line to <c>log.txt</c> with the time (UTC) before it. Thread-safe.</summary>
    public void Log(string line)
    {
        lock (_lock)
        {
            _log ??= new StreamWriter(new FileStream(LogPath, FileMode.Append, FileAccess.Write, FileShare.Read)) { AutoFlush = true };
            _log.Write(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-ddTHH:mm:ssZ} {line}\n"));
        }
    }

    /// <summary>Closes the log and lets other processes in.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _log?.Dispose();
            _log = null;
            _lock.Dispose();
        }
    }

    /// <summary>An argument as a POSIX shell reads it.</summary>
    internal static string Quote(string argument)
    {
        bool plain = argument.Length > 0
            && argument.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '/' or '=' or ',' or ':' or '@' or '+' or '%');
        return plain ? argument : "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
    }

    private void WriteJson(string name, JsonNode json) => WriteText(name, json.ToJsonString(s_indented).ReplaceLineEndings("\n"));

    private static RunFolder Take(string path)
    {
        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(full);
        RunLock held = RunLock.Take(full);
        Directory.CreateDirectory(Path.Combine(full, "checkpoints"));
        return new RunFolder(full, held);
    }

    private static void RequireRunOrEmpty(string path)
    {
        if (File.Exists(path))
        {
            throw new RunFolderException("this is a file", path, "a folder for the run", "another --out");
        }

        if (Directory.Exists(path) && !IsRun(path))
        {
            string? foreign = Names(path).FirstOrDefault(name => !s_known.Contains(name));
            if (foreign is not null)
            {
                throw new RunFolderException(
                    $"this folder holds other files ('{foreign}') and no run", path, "a new or empty folder, or the folder of a run", "another --out");
            }
        }
    }

    private static IEnumerable<string> Names(string path) =>
        Directory.EnumerateFileSystemEntries(path).Select(entry => Path.GetFileName(entry)!).Order(StringComparer.Ordinal);
}
