using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// One record of a VCF file: a copy of its first eight columns, checked, from which parts are taken when asked for.
/// Genotypes are left out.
/// </summary>
public sealed class VcfRecord
{
    private readonly byte[] _text;

    // Ends of the columns ID to INFO in the text; the text begins with ID.
    private readonly VcfLayout _layout;

    internal VcfRecord(byte[] text, VcfLayout layout, string contig, long position, long line)
    {
        _text = text;
        _layout = layout;
        Contig = contig;
        Position = position;
        Line = line;
    }

    /// <summary>CHROM. A name in angle brackets is a contig of the assembly file.</summary>
    public string Contig { get; }

    /// <summary>POS, 1-based; 0 stands for the telomere before the first base.</summary>
    public long Position { get; }

    /// <summary>POS as the 0-based index of REF's first base; -1 for the telomere.</summary>
    public long Position0 => Position - 1;

    /// <summary>Line of the file, 1-based.</summary>
    public long Line { get; }

    /// <summary>ID as text, <c>.</c> if there is none.</summary>
    public ReadOnlySpan<byte> Id => _text.AsSpan(0, _layout.Id);

    /// <summary>REF, IUPAC letters as in the file.</summary>
    public ReadOnlySpan<byte> Ref => RefMemory.Span;

    /// <summary>The whole ALT column.</summary>
    public ReadOnlySpan<byte> Alt => _text.AsSpan(_layout.Ref, _layout.Alt - _layout.Ref);

    /// <summary>Number of entries in ALT; a missing one (<c>.</c>) counts.</summary>
    public int AltCount => _layout.AltCount;

    /// <summary>QUAL, or null for <c>.</c></summary>
    public double? Quality =>
        AsciiText.TryParseFinite(_text.AsSpan(_layout.Alt, _layout.Quality - _layout.Alt), out double value) ? value : null;

    /// <summary>FILTER as text: <c>PASS</c>, <c>.</c>, or names between semicolons.</summary>
    public ReadOnlySpan<byte> Filter => _text.AsSpan(_layout.Quality, _layout.Filter - _layout.Quality);

    /// <summary>The whole INFO column.</summary>
    public ReadOnlySpan<byte> Info => _text.AsSpan(_layout.Filter);

    private ReadOnlyMemory<byte> RefMemory => _text.AsMemory(_layout.Id, _layout.Ref - _layout.Id);

    /// <summary>An entry of ALT, 0-based.</summary>
    public ReadOnlySpan<byte> GetAlt(int index) => AltMemory(index).Span;

    /// <summary>What an entry of ALT says.</summary>
    public VcfAlleleKind KindOfAlt(int index) => VcfAlleles.KindOf(GetAlt(index));

    /// <summary>Looks up a key of INFO: its text, or an empty text for a flag.</summary>
    /// <returns>False if INFO does not have the key. If it has it more than once, the first counts.</returns>
    public bool TryGetInfo(string key, out string value)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ReadOnlySpan<byte> rest = Info;
        Span<byte> wanted = stackalloc byte[256];
        if (!Encoding.UTF8.TryGetBytes(key, wanted, out int length))
        {
            wanted = Encoding.UTF8.GetBytes(key);
            length = wanted.Length;
        }
        wanted = wanted[..length];
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf((byte)';');
            ReadOnlySpan<byte> item = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (item.StartsWith(wanted) && (item.Length == length || item[length] == '='))
            {
                value = item.Length == length ? "" : Encoding.UTF8.GetString(item[(length + 1)..]);
                return true;
            }
        }
        value = "";
        return false;
    }

    /// <summary>The entries of ALT that are bases, each as a variant of its own; the others are left out.</summary>
    public IEnumerable<VariantAllele> Alleles()
    {
        for (int i = 0; i < AltCount; i++)
        {
            if (KindOfAlt(i) == VcfAlleleKind.Bases)
            {
                yield return new VariantAllele(Contig, Position0, RefMemory, AltMemory(i));
            }
        }
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Contig}:{Position} {Encoding.UTF8.GetString(Ref)}>{Encoding.UTF8.GetString(Alt)}");

    private ReadOnlyMemory<byte> AltMemory(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)AltCount, nameof(index));
        ReadOnlyMemory<byte> rest = _text.AsMemory(_layout.Ref, _layout.Alt - _layout.Ref);
        while (true)
        {
            int end = VcfAlleles.End(rest.Span);
            if (index == 0)
            {
                return rest[..end];
            }
            rest = rest[(end + 1)..];
            index--;
        }
    }
}

/// <summary>Ends of the columns in a record's text, which begins with ID; INFO takes what is left.</summary>
internal readonly record struct VcfLayout(int Id, int Ref, int Alt, int Quality, int Filter, int AltCount);
