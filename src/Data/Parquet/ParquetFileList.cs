using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data.Parquet;

/// <summary>Turns files, folders and patterns into the list of files that they mean, in a fixed order.</summary>
internal static class ParquetFileList
{
    private const long PatternMemory = 64 << 20;

    private static readonly string[] s_suffixes = [".parquet", ".parq", ".pq"];

    /// <summary>Absolute paths: each given path in turn, folders and patterns in ordinal order of their files.</summary>
    /// <exception cref="InputDataException">Nothing is there.</exception>
    internal static IReadOnlyList<string> Resolve(IReadOnlyList<string> paths)
    {
        if (paths.Count == 0)
        {
            throw new InputDataException("no Parquet file given", expected: "a file, a folder or a pattern");
        }

        var files = new List<string>();
        foreach (string path in paths)
        {
            if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal))
            {
                throw new InputDataException("a path is empty or has a NUL character", expected: "a file, a folder or a pattern");
            }

            string full = Path.GetFullPath(path);
            if (File.Exists(full))
            {
                files.Add(full);
                continue;
            }

            int before = files.Count;
            if (Directory.Exists(full))
            {
                AddFolder(full, files);
                Require(files.Count > before, "the folder has no Parquet file", path, "files that end in .parquet, .parq or .pq, at any depth");
            }
            else if (path.AsSpan().ContainsAny("*?["))
            {
                AddPattern(full, files);
                Require(files.Count > before, "no file matches the pattern", path, "files; ** stands for folders at any depth");
            }
            else
            {
                throw new InputDataException("the file does not exist", path, "a Parquet file, a folder of them or a pattern");
            }

            files.Sort(before, files.Count - before, StringComparer.Ordinal);
        }

        return files;
    }

    /// <summary>True if every path has a <c>key=value</c> folder below the folder that all share, or in it.</summary>
    internal static bool HasPartitions(IReadOnlyList<string> files)
    {
        foreach (string file in files)
        {
            string? folder = Path.GetDirectoryName(file);
            if (folder is null || !Array.Exists(folder.Split('/'), part => part.IndexOf('=', StringComparison.Ordinal) > 0))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>True if a path's name ends as Parquet files' names do.</summary>
    internal static bool HasSuffix(string path) => Array.Exists(s_suffixes, s => path.EndsWith(s, StringComparison.OrdinalIgnoreCase));

    /// <summary>True if the folder has a Parquet file, by its name, at any depth.</summary>
    internal static bool HasFiles(string folder)
    {
        var files = new List<string>();
        AddFolder(folder, files);
        return files.Count > 0;
    }

    private static void AddFolder(string folder, List<string> files)
    {
        foreach (string path in Directory.EnumerateFileSystemEntries(folder))
        {
            // Writers keep their own notes and unfinished files under such names.
            string name = Path.GetFileName(path);
            if (name[0] is '.' or '_')
            {
                continue;
            }

            var entry = new DirectoryInfo(path);
            if (entry.Exists)
            {
                // A linked folder may lead back up.
                if (entry.LinkTarget is null)
                {
                    AddFolder(path, files);
                }
            }
            else if (HasSuffix(name))
            {
                files.Add(path);
            }
        }
    }

    private static void AddPattern(string pattern, List<string> files)
    {
        using var session = new DuckDbSession(1, PatternMemory);
        using DuckDbCursor cursor = session.Select($"SELECT file FROM glob({Sql.Text(pattern)})");
        while (cursor.Next())
        {
            for (int row = 0; row < cursor.Rows; row++)
            {
                files.Add(cursor.Text(0, row));
            }
        }
    }

    private static void Require(bool good, string what, string where, string expected)
    {
        if (!good)
        {
            throw new InputDataException(what, where, expected);
        }
    }
}
