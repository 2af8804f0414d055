namespace GenoSeq.Data;

/// <summary>What stands above the records of a VCF file.</summary>
public sealed class VcfHeader
{
    internal VcfHeader(string version, IReadOnlyList<string> lines, IReadOnlyList<string> samples, int columns)
    {
        Version = version;
        Lines = lines;
        Samples = samples;
        Columns = columns;
    }

    /// <summary>Version as <c>##fileformat</c> gives it, such as <c>VCFv4.2</c>.</summary>
    public string Version { get; }

    /// <summary>All lines that begin with <c>##</c>, unchanged.</summary>
    public IReadOnlyList<string> Lines { get; }

    /// <summary>Names of the samples, in order. Their genotypes are not read.</summary>
    public IReadOnlyList<string> Samples { get; }

    /// <summary>Columns of every record: 8, or 9 and one for each sample.</summary>
    internal int Columns { get; }
}
