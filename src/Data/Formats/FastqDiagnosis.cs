using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>Finds the most helpful thing to say about input that is not FASTQ.</summary>
internal static class FastqDiagnosis
{
    internal const string Truncated = "fetch or write the file again: its end is missing";

    internal static InputDataException NotFastq(ReadOnlySpan<byte> start, string file, long line) => new(
        $"the first line is no FASTQ header: \"{FirstLine(start)}\"", $"{file}, line {line}",
        "a header line that begins with '@'", "check that this is a FASTQ file");

    internal static InputDataException NoHeader(ReadOnlySpan<byte> start, string where, long bases) => new(
        string.Create(CultureInfo.InvariantCulture,
            $"after a complete record of {bases} bases comes no header line but \"{FirstLine(start)}\""),
        where, "'@' and a name, or the end of the file",
        "check the record before it: its quality may be too long, or lines may be lost");

    internal static InputDataException BadSequenceByte(byte value, string where, SequenceLetters letters) => new(
        char.IsAsciiLetter((char)value)
            ? $"{Shown(value)} is no nucleotide code"
            : $"{Shown(value)} is no sequence character",
        where, SequenceLetterSets.Describe(letters),
        char.IsAsciiLetter((char)value)
            ? "give DNA or RNA reads; 'genoseq data stats' counts any letters"
            : "check for a lost '+' line, and that the file is not damaged");

    internal static InputDataException BadQualityByte(byte value, string where) => new(
        $"{Shown(value)} is no quality character", where, "characters from '!' (33) to '~' (126)",
        "check that the file is text and not damaged");

    private static string FirstLine(ReadOnlySpan<byte> start)
    {
        int end = start.IndexOfAny((byte)'\n', (byte)'\r');
        ReadOnlySpan<byte> line = start[..Math.Min(end < 0 ? start.Length : end, 30)];
        return string.Concat(Encoding.Latin1.GetString(line).Select(c => char.IsControl(c) ? '?' : c));
    }

    private static string Shown(byte value) => value is > 0x20 and < 0x7F
        ? $"'{(char)value}'"
        : string.Create(CultureInfo.InvariantCulture, $"byte 0x{value:X2}");
}
