using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>Finds the most helpful thing to say about input that is not nucleotide FASTA.</summary>
internal static class FastaDiagnosis
{
    // First bytes of the files that are most often given by mistake.
    private static readonly (byte[] Magic, string Kind, string Try)[] s_known =
    [
        ([0x43, 0x27, 0x41, 0x1A], "a 2bit file", "convert it to FASTA with twoBitToFa"),
        ([0x1A, 0x41, 0x27, 0x43], "a 2bit file", "convert it to FASTA with twoBitToFa"),
        ("BZh"u8.ToArray(), "bzip2 data", "decompress it, or compress it with gzip"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "xz data", "decompress it, or compress it with gzip"),
        ([0x28, 0xB5, 0x2F, 0xFD], "zstd data", "decompress it, or compress it with gzip"),
        ([0x50, 0x4B, 0x03, 0x04], "a zip archive", "unpack it and give the FASTA file inside"),
        ([0x1F, 0x8B], "gzip data inside gzip", "decompress it once"),
        ("BAM\u0001"u8.ToArray(), "a BAM file", "convert it to FASTA with 'samtools fasta'"),
        ("CRAM"u8.ToArray(), "a CRAM file", "convert it to FASTA with 'samtools fasta'"),
        ("PAR1"u8.ToArray(), "a Parquet file", "give a FASTA file"),
        ("@HD\t"u8.ToArray(), "a SAM file", "convert it to FASTA with 'samtools fasta'"),
        ("@SQ\t"u8.ToArray(), "a SAM file", "convert it to FASTA with 'samtools fasta'"),
        ("@"u8.ToArray(), "FASTQ", "convert it to FASTA with 'seqkit fq2fa' or 'samtools fasta'"),
        ("##fileformat=VCF"u8.ToArray(), "a VCF file", "give the reference FASTA file"),
        ("LOCUS "u8.ToArray(), "a GenBank file", "export the sequence as FASTA"),
        ("ID   "u8.ToArray(), "an EMBL file", "export the sequence as FASTA"),
        ("<"u8.ToArray(), "HTML or XML", "check the download: an error page may have been saved"),
    ];

    internal static InputDataException NotFasta(ReadOnlySpan<byte> start, string file, long line)
    {
        const string expected = "a FASTA header line that begins with '>'";
        string where = $"{file}, line {line}";
        foreach ((byte[] magic, string kind, string hint) in s_known)
        {
            if (start.StartsWith(magic))
            {
                return new InputDataException($"this looks like {kind}, not FASTA", where, expected, hint);
            }
        }
        ReadOnlySpan<byte> looked = start[..Math.Min(start.Length, 1024)];
        foreach (byte b in looked)
        {
            if (b < 0x20 && b is not ((byte)'\n' or (byte)'\r' or (byte)'\t'))
            {
                return new InputDataException(
                    $"this looks like binary data, not FASTA (byte 0x{b:X2})", where, expected,
                    "give an uncompressed or gzip FASTA file");
            }
        }
        int end = looked.IndexOfAny((byte)'\n', (byte)'\r');
        string text = Encoding.UTF8.GetString(looked[..Math.Min(end < 0 ? looked.Length : end, 30)]);
        return new InputDataException(
            $"the first line is no FASTA header: \"{text}\"", where, expected,
            "put a line with '>' and a name before the sequence");
    }

    internal static InputDataException BadSequenceByte(byte value, string record, string file, long line, SequenceLetters letters)
    {
        string where = $"{file}, line {line}, record '{record}'";
        string shown = value is > 0x20 and < 0x7F
            ? $"'{(char)value}'"
            : string.Create(CultureInfo.InvariantCulture, $"byte 0x{value:X2}");
        string expected = SequenceLetterSets.Describe(letters);
        return (char)value switch
        {
            '>' => new InputDataException(
                "'>' in the middle of a sequence line", where, "'>' only at the start of a line",
                "check for a missing line end before the next record"),
            'X' or 'x' => new InputDataException(
                $"{shown} is no nucleotide code", where, expected,
                "if X marks masked bases, replace it by N; if this is protein, give DNA"),
            >= '0' and <= '9' => new InputDataException(
                $"the digit {shown} in a sequence", where, expected,
                "remove position numbers; quality values (.qual) are no sequence"),
            '+' or '@' => new InputDataException(
                $"{shown} in a sequence: this looks like FASTQ", where, expected,
                "convert it to FASTA with 'seqkit fq2fa'"),
            _ when char.IsAsciiLetter((char)value) => new InputDataException(
                $"{shown} is no nucleotide code; this looks like protein", where, expected,
                "give DNA or RNA sequences"),
            _ => new InputDataException(
                $"{shown} is no sequence character", where, expected,
                letters == SequenceLetters.AnyLetter && value is > 0x20 and < 0x7F
                    ? "check that the file is not damaged; --alphabet any counts every printable character"
                    : "check that the file is text and not damaged"),
        };
    }
}
