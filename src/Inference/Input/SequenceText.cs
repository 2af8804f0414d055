using System.Buffers;
using System.Globalization;
using GenoSeq.Data;

namespace GenoSeq.Inference.Input;

/// <summary>What tables of sequences have in common, whoever reads them: names of columns, letters, names of rows without one.</summary>
internal static class SequenceText
{
    private static readonly string[] s_sequence = ["sequence", "seq", "dna", "dna_sequence", "nucleotides", "text"];
    private static readonly string[] s_id = ["id", "name"];
    private static readonly SearchValues<byte> s_letters = SearchValues.Create("ACGTUNRYSWKMBDHVacgtunryswkmbdhv"u8);

    /// <summary>The column of sequences.</summary>
    /// <param name="table">The table.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="wanted">A column by name, or null: one that is called like a sequence.</param>
    /// <param name="option">What sets the name, for messages.</param>
    /// <exception cref="InputDataException">There is none.</exception>
    internal static int Column(DelimitedReader table, string file, string? wanted, string option) =>
        Index(table, file, wanted, s_sequence, "sequences", option);

    /// <summary>The column of names, or -1 where none is wanted and none is called like one.</summary>
    /// <inheritdoc cref="Column"/>
    internal static int IdColumn(DelimitedReader table, string file, string? wanted, string option) =>
        wanted is null ? Usual(table, s_id) : Index(table, file, wanted, s_id, "names", option);

    /// <summary>A copy of a sequence.</summary>
    /// <param name="text">Its letters.</param>
    /// <param name="where">Where they are, for messages.</param>
    /// <param name="attempt">What else might be read, for messages.</param>
    /// <exception cref="InputDataException">A letter is no nucleotide code.</exception>
    internal static byte[] Checked(ReadOnlySpan<byte> text, string where, string attempt)
    {
        int bad = text.IndexOfAnyExcept(s_letters);
        return bad < 0 ? text.ToArray() : throw new InputDataException(
            $"'{(char)text[bad]}' at base {bad + 1} is no nucleotide code", where, "IUPAC nucleotide codes", attempt);
    }

    /// <summary>The name of a row without one.</summary>
    internal static string Row(long number) => string.Create(CultureInfo.InvariantCulture, $"row{number}");

    private static int Index(DelimitedReader table, string file, string? wanted, string[] usual, string what, string option)
    {
        int found = wanted is null ? Usual(table, usual) : table.IndexOf(wanted);
        return found >= 0 ? found : throw new InputDataException(
            wanted is null ? $"the table has no column of {what}" : $"the table has no column '{wanted}'", file,
            $"one of the columns {string.Join(", ", table.Columns.Take(12))}", $"{option} NAME");
    }

    private static int Usual(DelimitedReader table, string[] names) => names.Select(table.IndexOf).FirstOrDefault(i => i >= 0, -1);
}
