using System.Text;

namespace GenoSeq.Data;

/// <summary>One change of a genome: some bases in place of others.</summary>
/// <param name="Contig">Name of the contig.</param>
/// <param name="Position0">0-based index of the first base of <paramref name="Ref"/>; -1 for the telomere.</param>
/// <param name="Ref">Bases of the reference; may be empty (an insertion before <paramref name="Position0"/>).</param>
/// <param name="Alt">Bases in their place; may be empty (a deletion).</param>
public readonly record struct VariantAllele(string Contig, long Position0, ReadOnlyMemory<byte> Ref, ReadOnlyMemory<byte> Alt)
{
    /// <summary>True if one base stands in place of one other.</summary>
    public bool IsSnv => Ref.Length == 1 && Alt.Length == 1;

    /// <summary>Bases that the contig gains; negative if it loses some.</summary>
    public int LengthChange => Alt.Length - Ref.Length;

    /// <summary>
    /// The same change without the bases that both sides share (case apart): first at the end, then at the start, which
    /// moves the position. One side may become empty.
    /// </summary>
    public VariantAllele Trimmed()
    {
        ReadOnlySpan<byte> r = Ref.Span;
        ReadOnlySpan<byte> a = Alt.Span;
        int end = 0;
        while (end < Math.Min(r.Length, a.Length) && SameBase(r[^(end + 1)], a[^(end + 1)]))
        {
            end++;
        }
        int start = 0;
        while (start < Math.Min(r.Length, a.Length) - end && SameBase(r[start], a[start]))
        {
            start++;
        }
        return this with { Position0 = Position0 + start, Ref = Ref[start..^end], Alt = Alt[start..^end] };
    }

    /// <inheritdoc/>
    public bool Equals(VariantAllele other) =>
        Contig == other.Contig && Position0 == other.Position0
        && Ref.Span.SequenceEqual(other.Ref.Span) && Alt.Span.SequenceEqual(other.Alt.Span);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(Contig, StringComparer.Ordinal);
        hash.Add(Position0);
        hash.AddBytes(Ref.Span);
        hash.Add('>');
        hash.AddBytes(Alt.Span);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString() =>
        FormattableString.Invariant($"{Contig}:{Position0 + 1} {Encoding.ASCII.GetString(Ref.Span)}>{Encoding.ASCII.GetString(Alt.Span)}");

    private static bool SameBase(byte a, byte b) => (a | 0x20) == (b | 0x20);
}
