using System.Text;

namespace GenoSeq.Data;

/// <summary>Reads the header of a VCF file and checks the two lines that must be there.</summary>
internal static class VcfHeaderParser
{
    // More than any real header (tens of thousands of contigs); a file of nothing but '##' lines stops here.
    private const int MaxBytes = 1 << 26;

    private static readonly string[] s_columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"];

    internal static VcfHeader Read(LineReader lines)
    {
        if (!lines.Read())
        {
            throw new InputDataException("the file is empty", lines.Name, "a line '##fileformat=VCFv4.x' first");
        }
        string version = Version(lines);
        var meta = new List<string> { Encoding.UTF8.GetString(lines.Line) };
        long bytes = 0;
        while (lines.Read())
        {
            ReadOnlySpan<byte> line = lines.Line;
            if (line.StartsWith("##"u8))
            {
                bytes += line.Length;
                if (bytes > MaxBytes)
                {
                    throw new InputDataException($"the header is longer than {MaxBytes} bytes", lines.Where, "the line #CHROM before that");
                }
                meta.Add(Encoding.UTF8.GetString(line));
            }
            else if (line.StartsWith("#"u8))
            {
                return Columns(lines, version, meta);
            }
            else if (!line.IsEmpty)
            {
                break;
            }
        }
        throw new InputDataException("there is no line #CHROM before the first record", lines.Where,
            "the line '#CHROM POS ID REF ALT QUAL FILTER INFO', separated by tabs, after the '##' lines",
            "add that line, or check that the file is whole");
    }

    private static string Version(LineReader lines)
    {
        ReadOnlySpan<byte> line = lines.Line;
        const string expected = "'##fileformat=VCFv4.x' as the first line";
        if (line.StartsWith("BCF"u8))
        {
            throw new InputDataException("this is a BCF file", lines.Name, expected, "convert it with 'bcftools view'");
        }
        if (!line.StartsWith("##fileformat="u8))
        {
            throw new InputDataException("the first line names no file format", lines.Where, expected, "check that this is a VCF file");
        }
        // "VCF4.1" without the v is not what the specification says, but common tools write and read it.
        ReadOnlySpan<byte> version = line["##fileformat="u8.Length..].Trim(" \t"u8);
        if (!version.StartsWith("VCFv4."u8) && !version.StartsWith("VCF4."u8))
        {
            throw new InputDataException($"{AsciiText.Shown(version)} is no version that can be read", lines.Where, expected,
                "convert the file to VCF 4 with 'bcftools view' or vcf-convert");
        }
        return Encoding.UTF8.GetString(version);
    }

    private static VcfHeader Columns(LineReader lines, string version, List<string> meta)
    {
        string[] names = Encoding.UTF8.GetString(lines.Line).Split('\t');
        for (int i = 0; i < s_columns.Length; i++)
        {
            if (i >= names.Length || names[i] != s_columns[i])
            {
                bool blanks = names.Length == 1 && names[0].Contains(' ', StringComparison.Ordinal);
                throw new InputDataException(
                    i >= names.Length ? $"the column {s_columns[i]} is missing" : $"column {i + 1} is '{names[i]}', not {s_columns[i]}",
                    lines.Where, "the columns #CHROM POS ID REF ALT QUAL FILTER INFO, separated by tabs",
                    blanks ? "put tabs in place of the blanks" : null);
            }
        }
        if (names.Length > 8 && names[8] != "FORMAT")
        {
            throw new InputDataException($"column 9 is '{names[8]}'", lines.Where, "FORMAT before the samples");
        }
        var samples = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 9; i < names.Length; i++)
        {
            if (names[i].Length == 0 || !samples.Add(names[i]))
            {
                throw new InputDataException(
                    names[i].Length == 0 ? $"column {i + 1} has no name" : $"two samples are named '{names[i]}'", lines.Where,
                    "a different name for every sample");
            }
        }
        return new VcfHeader(version, meta, names.Length > 9 ? names[9..] : [], names.Length);
    }
}
