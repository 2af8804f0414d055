using System.Globalization;

namespace GenoSeq.Data;

/// <summary>Recognises genome files by content and opens them with what suits their kind and size.</summary>
/// <remarks>
/// 2bit stays on disk; FASTA goes to memory when small, else stays on disk with its index; ordinary gzip goes to memory.
/// Further kinds are registered by those who read them.
/// </remarks>
public static class GenomeFiles
{
    private static readonly Lock s_lock = new();
    private static List<(Func<string, bool> Recognises, Func<string, GenomeOpenOptions, GenomeSource> Open)> s_kinds = [];

    /// <summary>Adds a kind of genome file. Kinds added later are asked first, and all before the built-in ones.</summary>
    /// <param name="recognises">True if the path is of this kind; it may look into the file.</param>
    /// <param name="open">Opens it.</param>
    public static void Register(Func<string, bool> recognises, Func<string, GenomeOpenOptions, GenomeSource> open)
    {
        ArgumentNullException.ThrowIfNull(recognises);
        ArgumentNullException.ThrowIfNull(open);
        lock (s_lock)
        {
            s_kinds = [(recognises, open), .. s_kinds];
        }
    }

    /// <summary>Opens files as one genome.</summary>
    /// <param name="paths">
    /// Files, folders (all genome files directly inside, sorted by name) and patterns with <c>*</c> and <c>?</c> in the
    /// last part (sorted); <c>-</c> is standard input. A contig name in more than one file is prefixed with the file's
    /// stem and a slash.
    /// </param>
    /// <param name="options">Limits, and whom to warn.</param>
    /// <exception cref="InputDataException">A file is missing, of no known kind, or damaged; or names clash.</exception>
    public static GenomeSource Open(IReadOnlyList<string> paths, GenomeOpenOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        options ??= new GenomeOpenOptions();
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        IReadOnlyList<string> files = GenomePaths.Expand(paths, Registered);
        bool[] inMemory = [.. files.Select(f => GoesToMemory(f, options))];
        return files.Count == 0
            ? throw new InputDataException("no genome file given", expected: "at least one FASTA or 2bit file")
            : inMemory.All(m => m)
            ? FastaGenome.Load(files)
            : files.Count == 1 ? OpenOne(files[0], inMemory[0], options) : OpenAll(files, inMemory, options);
    }

    /// <summary>True if a registered kind recognises the path.</summary>
    private static bool Registered(string path) => s_kinds.Any(k => k.Recognises(path));

    private static CombinedGenome OpenAll(IReadOnlyList<string> files, bool[] inMemory, GenomeOpenOptions options)
    {
        var parts = new List<(string, GenomeSource)>(files.Count);
        try
        {
            for (int i = 0; i < files.Count; i++)
            {
                parts.Add((files[i], OpenOne(files[i], inMemory[i], options)));
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

    private static GenomeSource OpenOne(string path, bool inMemory, GenomeOpenOptions options)
    {
        foreach ((Func<string, bool> recognises, Func<string, GenomeOpenOptions, GenomeSource> open) in s_kinds)
        {
            if (recognises(path))
            {
                return open(path, options);
            }
        }
        return inMemory
            ? FastaGenome.Load(path)
            : Look(path).Kind == FileKind.TwoBit
            ? TwoBitGenome.Open(path)
            : IndexedFastaGenome.Open(path, options.Index with { Warn = options.Index.Warn ?? options.Warn });
    }

    private static bool GoesToMemory(string path, GenomeOpenOptions options)
    {
        if (Registered(path))
        {
            return false;
        }
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
