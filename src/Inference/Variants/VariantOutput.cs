using System.Globalization;
using GenoSeq.Data;

namespace GenoSeq.Inference.Variants;

/// <summary>
/// Writes scored variants: as a table with a row for each alternative, or as VCF with further INFO fields, which have a value for each
/// alternative of a record.
/// </summary>
public sealed class VariantOutput : IDisposable
{
    private const string Prefix = "GENOSEQ_";

    private readonly TableWriter? _table;
    private readonly VcfWriter? _vcf;
    private readonly VariantMethod _method;
    private readonly bool _handsThrough;

    private VariantOutput(VariantMethod method, TableWriter? table, VcfWriter? vcf, bool handsThrough)
    {
        _method = method;
        _table = table;
        _vcf = vcf;
        _handsThrough = handsThrough;
    }

    /// <summary>Begins a table: Parquet or tab-separated text, by its name.</summary>
    /// <param name="path">The file, or <c>-</c>.</param>
    /// <param name="source">The variants; columns that it hands through come first.</param>
    /// <param name="method">The measure.</param>
    /// <param name="options">What may be replaced, and what a Parquet file says of its making.</param>
    /// <exception cref="OutputException">The file cannot be made.</exception>
    public static VariantOutput Table(string path, VariantSource source, VariantMethod method, TableWriterOptions options)
    {
        ArgumentNullException.ThrowIfNull(source);
        bool through = source.Columns.Count > 0;
        TableColumn[] before = through
            ? [.. source.Columns.Select((c, i) => new TableColumn(c.Length > 0 ? c : $"column{i + 1}"))]
            : [new("contig"), new("pos", TableType.Integer), new("id"), new("ref"), new("alt")];
        string[] numbers = method switch
        {
            VariantMethod.Embedding => ["l2", "cosine"],
            VariantMethod.Llr => ["llr", "ref_log_p", "alt_log_p"],
            _ => ["delta", "ref_log_likelihood", "alt_log_likelihood"],
        };
        HashSet<string> taken = [.. before.Select(c => c.Name.ToLowerInvariant())];
        IEnumerable<TableColumn> own = [new TableColumn("status"), .. numbers.Select(n => new TableColumn(n, TableType.Number))];
        TableColumn[] columns = [.. before, .. own.Select(c => taken.Contains(c.Name) ? c with { Name = $"genoseq_{c.Name}" } : c)];
        return new VariantOutput(method, TableWriter.Create(path, columns, options), null, through);
    }

    /// <summary>Begins a VCF file that repeats another one.</summary>
    /// <param name="path">The file, or <c>-</c>.</param>
    /// <param name="source">The variants, of which the header has been read.</param>
    /// <param name="method">The measure.</param>
    /// <param name="how">How the scores were made: one line for the header.</param>
    /// <param name="options">What may be replaced.</param>
    /// <exception cref="OutputException">The file cannot be made.</exception>
    /// <exception cref="InputDataException">The file has such scores already.</exception>
    public static VariantOutput Vcf(string path, VcfVariants source, VariantMethod method, string how, OutputOptions options)
    {
        ArgumentNullException.ThrowIfNull(source);
        VcfHeader header = source.Header ?? throw new ArgumentException("the variants' header has not been read", nameof(source));
        string[] names = Names(method);
        if (header.Lines.FirstOrDefault(l => names.Any(n => l.StartsWith($"##INFO=<ID={n},", StringComparison.Ordinal))) is { } there)
        {
            throw new InputDataException($"the file has scores already: {there}", source.Path, "a file without them", "bcftools annotate -x INFO/" + names[0]);
        }

        string[] meanings = method switch
        {
            VariantMethod.Embedding => ["L2 distance of the alternative's mean embedding from the reference's", "Cosine distance of the alternative's mean embedding from the reference's"],
            VariantMethod.Llr => ["Log-likelihood ratio of the alternative to the reference at the masked position, natural logarithm"],
            _ => ["Log-likelihood of the window with the alternative minus that with the reference, natural logarithm"],
        };
        string[] lines =
        [
            $"##genoseqScore={how}",
            .. names.Zip(meanings, (n, m) => $"##INFO=<ID={n},Number=A,Type=Float,Description=\"{m}\">"),
            $"##INFO=<ID={Prefix}STATUS,Number=A,Type=String,Description=\"Whether the alternative was scored, or why it was not\">",
        ];
        return new VariantOutput(method, null, VcfWriter.Create(path, header, lines, options), false);
    }

    /// <summary>Writes a record.</summary>
    /// <param name="record">The record.</param>
    /// <param name="scores">One for each of its alternatives.</param>
    public void Write(VariantRecord record, VariantScore[] scores)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(scores);
        if (_vcf is not null)
        {
            _vcf.Write(record.Text.Span, Info(scores));
            return;
        }

        for (int i = 0; i < scores.Length; i++)
        {
            VariantScore s = scores[i];
            TableCell[] before = _handsThrough
                ? [.. record.Fields.Select(f => (TableCell)f)]
                : [record.Contig, record.Position0 + 1, record.Id, record.Ref, record.Alternatives[i].Text];
            _table!.Write([.. before, s.StatusText, s.Score, s.Reference, .. _method == VariantMethod.Embedding ? [] : new TableCell[] { s.Alternative }]);
        }
    }

    /// <summary>Makes the file whole under its name.</summary>
    public void Commit()
    {
        _table?.Commit();
        _vcf?.Commit();
    }

    /// <summary>Removes what was written, unless it was committed.</summary>
    public void Dispose()
    {
        _table?.Dispose();
        _vcf?.Dispose();
    }

    private static string[] Names(VariantMethod method) => method switch
    {
        VariantMethod.Embedding => [Prefix + "L2", Prefix + "COSINE"],
        VariantMethod.Llr => [Prefix + "LLR"],
        _ => [Prefix + "DELTA"],
    };

    private string Info(VariantScore[] scores)
    {
        string[] names = Names(_method);
        var fields = new List<string> { $"{names[0]}={List(scores.Select(s => s.Score))}" };
        if (names.Length > 1)
        {
            fields.Add($"{names[1]}={List(scores.Select(s => s.Reference))}");
        }

        fields.Add($"{Prefix}STATUS={string.Join(',', scores.Select(s => s.StatusText))}");
        return string.Join(';', fields);

        static string List(IEnumerable<double> values) =>
            string.Join(',', values.Select(v => double.IsNaN(v) ? "." : v.ToString("G7", CultureInfo.InvariantCulture)));
    }
}
