using System.Globalization;
using System.Text;
using GenoSeq.Data;

namespace GenoSeq.Inference.Variants;

/// <summary>
/// The variants of a CSV or TSV table with columns of contig, position (1-based), reference and alternative; <c>-</c>, <c>.</c> or nothing is
/// an allele without bases.
/// </summary>
public sealed class TableVariants : VariantSource
{
    private static readonly string[] s_contig = ["chrom", "chr", "#chrom", "contig", "chromosome", "seqnames"];
    private static readonly string[] s_position = ["pos", "position"];
    private static readonly string[] s_reference = ["ref", "reference", "reference_allele"];
    private static readonly string[] s_alternative = ["alt", "alternative", "alternate", "alternate_allele"];
    private static readonly string[] s_id = ["id", "name", "rsid"];

    private readonly string? _labelColumn;
    private readonly string[] _columns;

    private TableVariants(string[] columns, string? labelColumn)
    {
        _columns = columns;
        _labelColumn = labelColumn;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Columns => _columns;

    /// <summary>Opens a table.</summary>
    /// <param name="path">A file; standard input is not taken, since its columns are looked at first.</param>
    /// <param name="labelColumn">Column of labels; null: none.</param>
    /// <exception cref="InputDataException">The file cannot be read, or lacks a column.</exception>
    public static TableVariants Open(string path, string? labelColumn = null)
    {
        using DelimitedReader table = DelimitedReader.Open(path);
        foreach (string[] names in (string[][])[s_contig, s_position, s_reference, s_alternative])
        {
            _ = Required(table, path, names);
        }

        if (labelColumn is not null)
        {
            _ = Required(table, path, [labelColumn]);
        }

        return new TableVariants([.. table.Columns], labelColumn) { Path = path };
    }

    /// <inheritdoc/>
    public override IEnumerable<VariantRecord> Read()
    {
        using DelimitedReader table = DelimitedReader.Open(Path);
        int contig = Required(table, Path, s_contig);
        int position = Required(table, Path, s_position);
        int reference = Required(table, Path, s_reference);
        int alternative = Required(table, Path, s_alternative);
        int id = Find(table, s_id);
        int label = _labelColumn is null ? -1 : table.IndexOf(_labelColumn);
        while (table.Read())
        {
            string[] fields = [.. Enumerable.Range(0, table.FieldCount).Select(i => Encoding.UTF8.GetString(table[i]))];
            if (!long.TryParse(fields[position], NumberStyles.None, CultureInfo.InvariantCulture, out long at) || at < 1)
            {
                throw new InputDataException($"'{fields[position]}' is no position", table.Where, "a whole number, 1 for the first base");
            }

            byte[] bases = Bases(fields[reference], table.Where);
            byte[] other = Bases(fields[alternative], table.Where);
            yield return new VariantRecord(fields[contig], at - 1, id < 0 ? "." : fields[id], fields[reference],
                [new VariantAlternative(fields[alternative], VariantStatus.Scored, new VariantAllele(fields[contig], at - 1, bases, other))], table.Line)
            {
                Fields = fields,
                Label = label < 0 || fields[label].Length == 0 ? null : fields[label],
                RefBases = bases,
            };
        }
    }

    private static byte[] Bases(string text, string where)
    {
        if (text is "" or "-" or ".")
        {
            return [];
        }

        return text.All(char.IsAsciiLetter)
            ? Encoding.ASCII.GetBytes(text)
            : throw new InputDataException($"'{text}' is no allele", where, "bases, or - for none");
    }

    private static int Find(DelimitedReader table, string[] names) => names.Select(table.IndexOf).FirstOrDefault(i => i >= 0, -1);

    private static int Required(DelimitedReader table, string file, string[] names) => Find(table, names) is var index and >= 0
        ? index
        : throw new InputDataException($"the table has no column {string.Join(" or ", names)}", file,
            "columns of contig, position, reference and alternative", $"rename one of {string.Join(", ", table.Columns)}");
}
