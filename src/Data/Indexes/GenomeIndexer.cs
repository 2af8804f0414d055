namespace GenoSeq.Data;

/// <summary>What became of the indexes of one file.</summary>
/// <param name="File">The indexed file.</param>
/// <param name="IsFastq">FASTQ rather than FASTA.</param>
/// <param name="Sequences">Records in the index.</param>
/// <param name="Bases">Bases in all of them.</param>
/// <param name="Indexes">Every index with its path (null where it could be kept nowhere) and <c>written</c>,
/// <c>current</c> (it existed and fits) or <c>ok</c> (it was checked against the whole file).</param>
public sealed record IndexReport(
    string File, bool IsFastq, int Sequences, long Bases, IReadOnlyList<(string? Path, string State)> Indexes);

/// <summary>Makes and checks the indexes that random access to a file needs: <c>.fai</c>, and for BGZF <c>.gzi</c>.</summary>
public static class GenomeIndexer
{
    /// <summary>Makes the indexes that are missing or older than the file.</summary>
    /// <param name="path">A FASTA or FASTQ file, plain or BGZF.</param>
    /// <param name="force">Make them anew even where fresh ones exist.</param>
    /// <param name="warn">Told of indexes that are older than the file.</param>
    /// <exception cref="InputDataException">The file is ordinary gzip or 2bit, cannot be indexed, or has an index that
    /// does not fit it.</exception>
    /// <exception cref="OutputException">An index cannot be written.</exception>
    public static IndexReport Make(string path, bool force = false, Action<string>? warn = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        bool compressed = IsCompressed(path);
        var indexes = new List<(string?, string)>();
        long length;
        if (compressed)
        {
            string beside = BgzfIndex.PathFor(path);
            bool fresh = !force && File.Exists(beside) && FastaIndexStore.Facts(beside).Changed >= FastaIndexStore.Facts(path).Changed;
            BgzfIndex index = fresh ? BgzfIndex.Load(beside, path) : BgzfIndex.Build(path);
            if (!fresh)
            {
                index.Write(beside, new OutputOptions { Force = true, Inputs = [path] });
            }
            indexes.Add((beside, fresh ? "current" : "written"));
            length = index.Length;
        }
        else
        {
            using var file = new FileBytes(path);
            length = file.Length;
        }
        FastaIndexStore.Result result = FastaIndexStore.Get(path, length, new FastaIndexOptions { Rebuild = force, Warn = warn });
        indexes.Insert(0, (result.Path, result.Path is null ? "not kept" : result.Made ? "written" : "current"));
        return Report(path, result.Index, indexes);
    }

    /// <summary>Indexes the file in memory and compares with what lies beside it; writes nothing.</summary>
    /// <exception cref="InputDataException">An index is missing, damaged, or differs from the file's.</exception>
    public static IndexReport Check(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        bool compressed = IsCompressed(path);
        FastaIndex actual = FastaIndexBuilder.Build(path);
        string beside = path + ".fai";
        FastaIndex existing = FastaIndex.Load(beside, long.MaxValue);
        int count = Math.Min(actual.Entries.Count, existing.Entries.Count);
        int differs = 0;
        while (differs < count && actual.Entries[differs] == existing.Entries[differs])
        {
            differs++;
        }
        if (differs < count || actual.Entries.Count != existing.Entries.Count)
        {
            throw new InputDataException(
                differs < count
                    ? $"the index has {Show(existing.Entries[differs])}, the file {Show(actual.Entries[differs])}"
                    : $"the index has {existing.Entries.Count} records, the file {actual.Entries.Count}",
                $"{beside}, line {differs + 1}", "the index of this very file", $"genoseq data index --force {path}");
        }
        var indexes = new List<(string?, string)> { (beside, "ok") };
        if (compressed)
        {
            string gzi = BgzfIndex.PathFor(path);
            if (!BgzfIndex.Load(gzi, path).ToBytes().AsSpan().SequenceEqual(BgzfIndex.Build(path).ToBytes()))
            {
                throw new InputDataException(
                    "the index does not list the blocks of the file", gzi, "the index of this very file", $"genoseq data index --force {path}");
            }
            indexes.Add((gzi, "ok"));
        }
        return Report(path, actual, indexes);
    }

    private static bool IsCompressed(string path)
    {
        using var file = new FileBytes(path);
        return FileKinds.Of(file) switch
        {
            FileKind.Gzip => throw RandomFile.NotRandom(path),
            FileKind.TwoBit => throw new InputDataException(
                "a 2bit file needs no index", path, "a FASTA or FASTQ file, plain or BGZF", "use the 2bit file as it is"),
            FileKind kind => kind == FileKind.Bgzf,
        };
    }

    private static string Show(in FastaIndexEntry e) =>
        $"'{e.Name}' of {e.Length} bases at byte {e.Offset}, {e.LineBases} bases in {e.LineWidth} bytes a line";

    private static IndexReport Report(string path, FastaIndex index, List<(string?, string)> indexes)
    {
        long bases = 0;
        foreach (FastaIndexEntry e in index.Entries)
        {
            bases += e.Length;
        }
        return new IndexReport(path, index.IsFastq, index.Entries.Count, bases, indexes);
    }
}
