using GenoSeq.Data;

namespace GenoSeq.Inference.Variants;

/// <summary>A variant in its surroundings: the bases before and after it, and the two alleles without what they share.</summary>
internal sealed class VariantWindow
{
    private VariantWindow(byte[] left, byte[] reference, byte[] alternative, byte[] right, (int, long, int) key)
    {
        Left = left;
        Ref = reference;
        Alt = alternative;
        Right = right;
        Key = key;
    }

    internal byte[] Left { get; }

    internal byte[] Ref { get; }

    internal byte[] Alt { get; }

    internal byte[] Right { get; }

    /// <summary>Same for alternatives of one reference: contig, position, length of the reference.</summary>
    internal (int Contig, long Position, int Length) Key { get; }

    internal byte[] Reference => [.. Left, .. Ref, .. Right];

    internal byte[] Alternative => [.. Left, .. Alt, .. Right];

    /// <summary>Looks a variant up in the genome.</summary>
    /// <param name="genome">The genome.</param>
    /// <param name="allele">The variant; contig names may differ by the prefix <c>chr</c>.</param>
    /// <param name="options">Context and limits.</param>
    /// <param name="window">The window, where the status is scored.</param>
    internal static VariantStatus Of(GenomeSource genome, VariantAllele allele, VariantOptions options, out VariantWindow? window)
    {
        window = null;
        switch (ReferenceCheck.Compare(genome, allele))
        {
            case ReferenceMatch.MissingContig:
                return VariantStatus.NoContig;
            case ReferenceMatch.OutsideContig:
                return VariantStatus.OutsideContig;
            case ReferenceMatch.Different:
                return VariantStatus.RefMismatch;
            default:
                break;
        }

        if (Ambiguous(allele.Ref.Span) || Ambiguous(allele.Alt.Span))
        {
            return VariantStatus.Ambiguous;
        }

        allele = allele.Trimmed();
        if (Math.Max(allele.Ref.Length, allele.Alt.Length) is int longest && (longest == 0 || longest > options.MaxAllele))
        {
            return longest == 0 ? VariantStatus.Unchanged : VariantStatus.TooLong;
        }

        int contig = ContigAlias.IndexOf(genome, allele.Contig);
        long end = allele.Position0 + allele.Ref.Length;
        byte[] left = Read(genome, contig, Math.Max(0, allele.Position0 - options.Context), allele.Position0);
        byte[] right = Read(genome, contig, end, Math.Min(genome.LengthOf(contig), end + options.Context));
        // Unknown bases at the outer ends tell nothing.
        left = left[(left.AsSpan().IndexOfAnyExcept((byte)'N', (byte)'n') is var known and >= 0 ? known : left.Length)..];
        right = right[..(right.AsSpan().LastIndexOfAnyExcept((byte)'N', (byte)'n') + 1)];
        // Alphabets that know case must not see a change of it.
        byte[] there = Read(genome, contig, allele.Position0, end);
        byte neighbour = there.Length > 0 ? there[0] : left.Length > 0 ? left[^1] : right.Length > 0 ? right[0] : (byte)'A';
        bool lower = char.IsAsciiLetterLower((char)neighbour);
        window = new VariantWindow(left, Cased(allele.Ref.Span, lower), Cased(allele.Alt.Span, lower), right,
            (contig, allele.Position0, allele.Ref.Length));
        return VariantStatus.Scored;
    }

    private static bool Ambiguous(ReadOnlySpan<byte> bases) => bases.ContainsAnyExcept(s_bases);

    private static readonly System.Buffers.SearchValues<byte> s_bases = System.Buffers.SearchValues.Create("ACGTUacgtu"u8);

    private static byte[] Read(GenomeSource genome, int contig, long start, long end) => GenomeRegion.Read(genome, new GenomeInterval(contig, start, end));

    private static byte[] Cased(ReadOnlySpan<byte> bases, bool lower)
    {
        byte[] result = bases.ToArray();
        foreach (ref byte b in result.AsSpan())
        {
            b = (byte)(lower ? b | 0x20 : b & ~0x20);
        }

        return result;
    }
}
