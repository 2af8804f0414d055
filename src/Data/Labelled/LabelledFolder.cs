namespace GenoSeq.Data;

/// <summary>Finds the files of a labelled set in a folder.</summary>
internal static class LabelledFolder
{
    /// <summary>What was found: tables and FASTA files, or folders of one file for each sequence.</summary>
    internal sealed record Found(IReadOnlyList<LabelledFile> Files, IReadOnlyList<LabelledFile> SequenceFolders);

    internal static Found Find(string folder, LabelledSetOptions options)
    {
        if ((options.TrainFile ?? options.DevFile ?? options.TestFile) is not null)
        {
            return new Found(Named(folder, options), []);
        }
        SortedDictionary<string, List<LabelledFile>> tasks = Tasks(folder);
        if (tasks.Count == 0 && PartFolders(folder) is { Count: > 0 } parts)
        {
            return OfClasses(folder, parts);
        }
        return new Found(OfTask(folder, tasks, options.Task), []);
    }

    private static LabelledFile[] Named(string folder, LabelledSetOptions options)
    {
        (string? File, LabelledPart Part)[] named =
            [(options.TrainFile, LabelledPart.Train), (options.DevFile, LabelledPart.Dev), (options.TestFile, LabelledPart.Test)];
        return [.. named.Where(n => n.File is not null).Select(n => new LabelledFile(Path.Combine(folder, n.File!), n.Part))];
    }

    private static List<(LabelledPart Part, string Path)> PartFolders(string folder)
    {
        var parts = new List<(LabelledPart Part, string Path)>();
        foreach (string path in Sorted(Directory.EnumerateDirectories(folder)))
        {
            if (LabelledParts.Parse(Path.GetFileName(path)) is LabelledPart part)
            {
                if (parts.Exists(p => p.Part == part))
                {
                    throw new InputDataException($"two folders are the {part.ToString().ToLowerInvariant()} part", folder, "one folder for each part");
                }
                parts.Add((part, path));
            }
        }
        parts.Sort((a, b) => a.Part.CompareTo(b.Part));
        return parts;
    }

    /// <summary>Genomic Benchmarks: a folder, or a table, for each class in each part.</summary>
    private static Found OfClasses(string folder, List<(LabelledPart Part, string Path)> parts)
    {
        var tables = new List<LabelledFile>();
        var folders = new List<LabelledFile>();
        foreach ((LabelledPart part, string path) in parts)
        {
            folders.AddRange(Sorted(Directory.EnumerateDirectories(path)).Select(d => new LabelledFile(d, part, Path.GetFileName(d))));
            foreach (string file in Sorted(Directory.EnumerateFiles(path)))
            {
                string stem = LabelledParts.Stem(file, out bool known);
                if (known)
                {
                    tables.Add(new LabelledFile(file, part, stem));
                }
            }
        }
        if (tables.Count > 0 == folders.Count > 0)
        {
            throw new InputDataException(
                tables.Count > 0 ? "the parts have both folders and tables" : "the parts have neither folders nor tables of classes", folder,
                "{train,test}/CLASS/ID.txt, or {train,test}/CLASS.csv.gz");
        }
        return new Found(tables, folders);
    }

    /// <summary>Files named for a part, by the task before it.</summary>
    private static SortedDictionary<string, List<LabelledFile>> Tasks(string folder)
    {
        var files = new SortedDictionary<string, List<LabelledFile>>(StringComparer.Ordinal);
        foreach (string path in Sorted(Directory.EnumerateFiles(folder)))
        {
            if (LabelledParts.OfFile(path) is (LabelledPart part, string task))
            {
                if (!files.TryGetValue(task, out List<LabelledFile>? list))
                {
                    files.Add(task, list = []);
                }
                if (list.Find(f => f.Part == part) is LabelledFile other)
                {
                    throw new InputDataException($"two files are the {part.ToString().ToLowerInvariant()} part",
                        $"{other.Path} and {path}", "one file for each part", "remove one, or name the files in the options");
                }
                list.Add(new LabelledFile(path, part));
            }
        }
        return files;
    }

    private static LabelledFile[] OfTask(string folder, SortedDictionary<string, List<LabelledFile>> files, string? task)
    {
        string? chosen = task ?? (files.ContainsKey("") ? "" : files.Count == 1 ? files.Keys.First() : null);
        if (chosen is null || !files.TryGetValue(chosen, out List<LabelledFile>? found))
        {
            throw Unclear(folder, task, files.Keys);
        }
        return [.. found.OrderBy(f => f.Part)];
    }

    private static InputDataException Unclear(string folder, string? task, IEnumerable<string> tasks)
    {
        string known = string.Join(", ", tasks.Where(t => t.Length > 0).Select(t => $"'{t}'"));
        return known.Length == 0
            ? new InputDataException("no labelled set is in this folder", folder,
                "train.csv (or .tsv, .fa, ... and .gz) with dev and test beside it, or folders train and test of classes",
                "name a file, or the files of the parts")
            : new InputDataException(task is null ? "the folder holds several sets" : $"the folder has no set '{task}'", folder,
                $"one of {known}", "choose one by the option task");
    }

    private static IEnumerable<string> Sorted(IEnumerable<string> paths) => paths.Order(StringComparer.Ordinal);
}
