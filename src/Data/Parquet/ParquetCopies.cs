namespace GenoSeq.Data.Parquet;

/// <summary>The files that are really scanned: the given ones, or copies of those that the decoder cannot read as they are.</summary>
internal sealed class ParquetCopies : IDisposable
{
    private readonly IReadOnlyList<string> _files;
    private readonly string?[] _candidates;
    private readonly string[] _paths;
    private readonly string? _folder;

    /// <summary>Chooses names for the copies that may become necessary; nothing is written yet.</summary>
    internal ParquetCopies(IReadOnlyList<string> files, List<ParquetFooter> footers)
    {
        _files = files;
        _paths = [.. files];
        _candidates = new string?[files.Count];
        for (int i = 0; i < files.Count; i++)
        {
            if (ParquetTranscoder.MayBeNeeded(footers[i]))
            {
                _folder ??= Path.Combine(Path.GetTempPath(), $"genoseq-parquet-{Guid.NewGuid():N}");
                _candidates[i] = CandidateFor(_folder, files[i], i);
            }
        }
    }

    /// <summary>True if names were chosen, so that a session is for this reader only.</summary>
    internal bool AreOut => _folder is not null;

    /// <summary>What to scan, in the files' order.</summary>
    internal IReadOnlyList<string> Paths => _paths;

    /// <summary>Names that <see cref="Paths"/> may come to have.</summary>
    internal IEnumerable<string> Candidates => _candidates.OfType<string>();

    /// <summary>Writes the copy of a file, if there are chunks to be transcoded.</summary>
    internal void Make(int index, ParquetFooter footer, IReadOnlyList<(ParquetRowGroup Group, ParquetChunk Chunk, ParquetLeaf Leaf)> chunks)
    {
        // A page may be in an encoding that the footer does not list: the decoder will say that it does not know it.
        if (chunks.Count == 0 || _candidates[index] is not string candidate)
        {
            return;
        }

        try
        {
            CreatePrivate(Path.GetDirectoryName(candidate)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputDataException($"the temporary folder cannot be made: {e.Message}", _files[index], "room and permission in the temporary folder",
                "another folder in TMPDIR", e);
        }

        ParquetTranscoder.Copy(_files[index], candidate, footer, chunks);
        _paths[index] = candidate;
    }

    /// <summary>The file that a scanned path stands for.</summary>
    internal string OriginalOf(string path) => Array.IndexOf(_paths, path) is int index and >= 0 ? _files[index] : path;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_folder is null || !Directory.Exists(_folder))
        {
            return;
        }

        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Whatever is being reported matters more.
        }
    }

    // Partitions are columns by their folders' names, so these are kept.
    private static string CandidateFor(string folder, string file, int index)
    {
        string[] parts = Path.GetDirectoryName(file)!.Split('/');
        return Path.Combine([folder, $"{index}", .. parts.Where(p => p.IndexOf('=', StringComparison.Ordinal) > 0), Path.GetFileName(file)]);
    }

    private static void CreatePrivate(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
