using System.Globalization;

namespace GenoSeq.Data;

/// <summary>Recognises genome files by content and opens them with what suits their kind and size.</summary>
/// <remarks>
/// 2bit stays on disk; FASTA goes to memory when small, else stays on disk with its index; ordinary gzip goes to memory;
/// the rows of all Parquet files together are decoded once, and spill to disk when they are many.
/// </remarks>
public static class GenomeFiles
{
    /// <summary>Opens files as one genome.</summary>
    /// <param name="paths">
    /// Files, folders (all genome files directly inside, sorted by name, or all Parquet files at any depth) and patterns
    /// with <c>*</c> and <c>?</c> in the last part (sorted); <c>-</c> is standard input. A contig name in more than one
    /// file is prefixed with the file's stem and a slash.
    /// </param>
    /// <param name="options">Limits, columns of tables, and whom to warn.</param>
    /// <exception cref="InputDataException">A file is missing, of no known kind, or damaged; names clash; or columns are
    /// named and no file is a table.</exception>
    public static GenomeSource Open(IReadOnlyList<string> paths, GenomeOpenOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        options ??= new GenomeOpenOptions();
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        string[] tables = [.. paths.Where(ParquetGenomeFiles.IsParquet)];
        if (tables.Length == 0 && options.Parquet is { SequenceColumn: not null } or { IdColumn: not null } or { Where: not null })
        {
            throw new InputDataException(
                "a column or a condition on rows is given, and none of the files is a table", string.Join(", ", paths), "Parquet files",
                "leave the column and the condition out");
        }
        IReadOnlyList<string> files = GenomePaths.Expand([.. paths.Except(tables)]);
        bool[] inMemory = [.. files.Select(f => GoesToMemory(f, options))];
        if (files.Count + tables.Length == 0)
        {
            throw new InputDataException("no genome file given", expected: "at least one FASTA, 2bit or Parquet file");
        }
        if (tables.Length == 0 && inMemory.All(m => m))
        {
            return FastaGenome.Load(files, options.Letters);
        }
        if (files.Count == 0)
        {
            return ParquetGenome.Open(tables, options.Parquet);
        }
        return files.Count == 1 && tables.Length == 0 ? OpenOne(files[0], inMemory[0], options) : OpenAll(files, inMemory, tables, options);
    }

    private static CombinedGenome OpenAll(IReadOnlyList<string> files, bool[] inMemory, string[] tables, GenomeOpenOptions options)
    {
        var parts = new List<(string, GenomeSource)>(files.Count);
        try
        {
            for (int i = 0; i < files.Count; i++)
            {
                parts.Add((files[i], OpenOne(files[i], inMemory[i], options)));
            }
            if (tables.Length > 0)
            {
                parts.Add((tables[0], ParquetGenome.Open(tables, options.Parquet)));
            }
            return new CombinedGenome(parts);
        }
        catch
        {
            foreach ((_, GenomeSource genome) in parts)
            {
                genome.Dispose();
            }
            throw;
        }
    }

    private static GenomeSource OpenOne(string path, bool inMemory, GenomeOpenOptions options) =>
        inMemory
            ? FastaGenome.Load([path], options.Letters)
            : Look(path).Kind == FileKind.TwoBit
            ? TwoBitGenome.Open(path)
            : IndexedFastaGenome.Open(path, options.Index with { Warn = options.Index.Warn ?? options.Warn }, options.Letters);

    private static bool GoesToMemory(string path, GenomeOpenOptions options)
    {
        if (IsStream(path))
        {
            return true;
        }
        (FileKind kind, long size) = Look(path);
        if (kind == FileKind.Gzip && size > options.InMemoryLimitCompressed)
        {
            options.Warn?.Invoke(string.Create(CultureInfo.InvariantCulture,
                $"{path} is ordinary gzip, which has no random access: all of it (about {size * 4 / 1e9:0.#} GB) is held in memory; recompressed with bgzip it could stay on disk"));
        }
        return kind switch
        {
            FileKind.TwoBit => false,
            FileKind.Gzip => true,
            FileKind.Bgzf => size <= options.InMemoryLimitCompressed,
            _ => size <= options.InMemoryLimit,
        };
    }

    // A pipe or other device can be read once, from its beginning; to open it for a look would spoil that. A pipe has
    // no length, and so has an empty file, which the reader in memory refuses.
    private static bool IsStream(string path) =>
        path == "-" || path.StartsWith("/dev/", StringComparison.Ordinal) || path.StartsWith("/proc/", StringComparison.Ordinal)
        || (new FileInfo(path) is { Exists: true, Length: 0 } info && info.LinkTarget is null);

    private static (FileKind Kind, long Size) Look(string path)
    {
        using var file = new FileBytes(path);
        return (FileKinds.Of(file), file.Length);
    }
}
