using System.Text;
using GenoSeq.Data;

namespace GenoSeq.Inference.Variants;

/// <summary>The variants of a VCF file, plain or compressed.</summary>
/// <param name="labelKey">Key of INFO whose value is a variant's label; null: none.</param>
public sealed class VcfVariants(string? labelKey = null) : VariantSource
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Columns => [];

    /// <summary>The header, once the first record has been asked for.</summary>
    public VcfHeader? Header { get; private set; }

    /// <inheritdoc/>
    public override IEnumerable<VariantRecord> Read()
    {
        using VcfReader reader = VcfReader.Open(Path);
        Header = reader.Header;
        while (reader.Read() is { } record)
        {
            byte[] reference = record.Ref.ToArray();
            var alternatives = new VariantAlternative[record.AltCount];
            for (int i = 0; i < alternatives.Length; i++)
            {
                string text = Encoding.UTF8.GetString(record.GetAlt(i));
                VariantStatus status = record.KindOfAlt(i) switch
                {
                    VcfAlleleKind.Bases => VariantStatus.Scored,
                    VcfAlleleKind.Symbolic => VariantStatus.Symbolic,
                    VcfAlleleKind.Breakend => VariantStatus.Breakend,
                    VcfAlleleKind.Overlap => VariantStatus.Overlap,
                    _ => VariantStatus.NoAlt,
                };
                alternatives[i] = new VariantAlternative(text, status, status == VariantStatus.Scored
                    ? new VariantAllele(record.Contig, record.Position0, reference, Encoding.ASCII.GetBytes(text))
                    : default);
            }

            yield return new VariantRecord(record.Contig, record.Position0, Encoding.UTF8.GetString(record.Id), Encoding.ASCII.GetString(reference),
                alternatives, record.Line)
            {
                Text = reader.Line.ToArray(),
                Label = labelKey is not null && record.TryGetInfo(labelKey, out string label) ? label : null,
                RefBases = reference,
            };
        }
    }
}
