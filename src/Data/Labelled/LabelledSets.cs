namespace GenoSeq.Data;

/// <summary>Opens labelled sets of every kind that is understood, told apart by their content.</summary>
/// <remarks>
/// A folder: Genomic Benchmarks (<c>{train,test}/CLASS/ID.txt</c>, or interval tables <c>{train,test}/CLASS.csv.gz</c> with
/// a genome), else files named for their part (<c>train.csv</c>, <c>TASK_test.tsv.gz</c>, <c>train.fna</c>; GUE and the
/// Nucleotide Transformer tasks). A file: FASTA with labels in its headers if the first character is <c>&gt;</c>, else a
/// table; of sequences, pairs, or places on a genome (BEND), with an optional column for the part.
/// </remarks>
public static class LabelledSets
{
    /// <summary>Reads a labelled set.</summary>
    /// <param name="path">A file or a folder; compression is recognised by content.</param>
    /// <param name="options">What the files do not say; null: the defaults.</param>
    /// <exception cref="InputDataException">Something is missing or malformed; the message names file and line.</exception>
    /// <exception cref="ArgumentException">The options contradict each other.</exception>
    public static LabelledSet Open(string path, LabelledSetOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new LabelledSetOptions();
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        var rows = new LabelledRows(options);
        try
        {
            if (Directory.Exists(path))
            {
                ReadFolder(path, rows, options);
            }
            else
            {
                var file = new LabelledFile(path, options.Part ?? LabelledParts.OfFile(path)?.Part ?? LabelledPart.Train, OnlyOne: true);
                ReadFile(file, rows, options);
            }
            return Finish(rows, options.Name ?? NameOf(path, options), path, options);
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    /// <summary>Reads a labelled set that is one file, from decompressed bytes; the stream stays the caller's to close.</summary>
    /// <inheritdoc cref="Open"/>
    public static LabelledSet Read(Stream stream, string name, LabelledSetOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        options ??= new LabelledSetOptions();
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        var rows = new LabelledRows(options);
        try
        {
            ReadContent(stream, new LabelledFile(name, options.Part ?? LabelledPart.Train, OnlyOne: true), rows, options);
            return Finish(rows, options.Name ?? name, name, options);
        }
        catch
        {
            rows.Dispose();
            throw;
        }
    }

    private static void ReadFolder(string path, LabelledRows rows, LabelledSetOptions options)
    {
        LabelledFolder.Found found;
        try
        {
            found = LabelledFolder.Find(path, options);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputDataException($"the folder cannot be read: {e.Message}", path, "a readable folder", inner: e);
        }
        foreach (LabelledFile file in found.Files)
        {
            ReadFile(file, rows, options);
        }
        foreach (LabelledFile folder in found.SequenceFolders)
        {
            LabelledTextFolder.Read(folder, rows);
        }
    }

    private static void ReadFile(LabelledFile file, LabelledRows rows, LabelledSetOptions options)
    {
        using InputFile input = InputFile.Open(file.Path);
        ReadContent(input.Content, file, rows, options);
    }

    private static void ReadContent(Stream content, LabelledFile file, LabelledRows rows, LabelledSetOptions options)
    {
        using var peeked = new PeekedStream(content);
        ReadOnlySpan<byte> start = peeked.Start.TrimStart("\uFEFF"u8).TrimStart(" \t\r\n"u8);
        if (!start.IsEmpty && start[0] == '>')
        {
            LabelledFasta.Read(peeked, file, rows, options);
        }
        else
        {
            LabelledTable.Read(peeked, file, rows, options);
        }
    }

    private static LabelledSet Finish(LabelledRows rows, string name, string path, LabelledSetOptions options)
    {
        if (rows.Parts.Count == 0)
        {
            throw new InputDataException("the set has no rows", path, "at least one row with a sequence");
        }
        return new LabelledSet(name, rows, new LabelResolver(rows, options).Resolve());
    }

    private static string NameOf(string path, LabelledSetOptions options)
    {
        string name = LabelledParts.Stem(Path.TrimEndingDirectorySeparator(path), out _);
        return options.Task is { Length: > 0 } task ? $"{name}/{task}" : name;
    }
}
