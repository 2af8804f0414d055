using System.Globalization;

namespace GenoSeq.Data;

/// <summary>Regions in the notation of samtools: <c>NAME</c>, <c>NAME:FROM-TO</c>, 1-based and closed.</summary>
public static class GenomeRegion
{
    private const string Forms = "NAME, NAME:FROM-TO, NAME:FROM (to the end), NAME:FROM- or NAME:-TO, 1-based, or {NAME}:FROM-TO";

    /// <summary>Finds the interval that a region names.</summary>
    /// <param name="region">
    /// For example <c>chr1</c>, <c>chr1:1,000-2,000</c>, <c>chr1:1000</c> (to the end) or <c>chr1:-2000</c>. A name in
    /// braces may hold colons: <c>{HLA:1}:5-9</c>. Without braces the whole text is tried as a name first.
    /// </param>
    /// <param name="genome">The genome.</param>
    /// <returns>The interval, 0-based and half-open; an end beyond the contig is cut to it, as samtools does.</returns>
    /// <exception cref="InputDataException">No such contig, no such form, a start beyond the contig, or a text that is
    /// both a contig's name and a region of another.</exception>
    public static GenomeInterval Parse(string region, GenomeSource genome)
    {
        ArgumentNullException.ThrowIfNull(region);
        ArgumentNullException.ThrowIfNull(genome);
        if (region.StartsWith('{') && region.IndexOf('}', StringComparison.Ordinal) is int brace and > 0)
        {
            int inBraces = Find(region[1..brace], region, genome);
            string rest = region[(brace + 1)..];
            return rest.Length == 0
                ? Whole(inBraces, genome)
                : rest[0] == ':' ? Range(inBraces, rest[1..], region, genome) : throw Bad($"'{rest}' after the name", region);
        }
        int exact = genome.IndexOf(region);
        int colon = region.LastIndexOf(':');
        int prefix = colon > 0 ? genome.IndexOf(region[..colon]) : -1;
        if (exact >= 0)
        {
            return prefix < 0 || !IsRange(region[(colon + 1)..])
                ? Whole(exact, genome)
                : throw new InputDataException(
                    $"'{region}' is a contig's name, and a region of contig '{region[..colon]}'", null, "one meaning",
                    $"write {{{region}}} or {{{region[..colon]}}}{region[colon..]}");
        }
        return colon < 0 || (prefix < 0 && !IsRange(region[(colon + 1)..]))
            ? Whole(Find(region, region, genome), genome)
            : Range(Find(region[..colon], region, genome), region[(colon + 1)..], region, genome);
    }

    /// <summary>Reads an interval, on the minus strand reverse-complemented.</summary>
    /// <param name="genome">The genome.</param>
    /// <param name="interval">What to read; at most 2^31 bases.</param>
    /// <param name="minusStrand">True for the opposite strand, read 5' to 3'.</param>
    /// <returns>The bases, [<see cref="GenomeInterval.Length"/>], ASCII.</returns>
    public static byte[] Read(GenomeSource genome, GenomeInterval interval, bool minusStrand = false)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(interval.Length, Array.MaxLength, nameof(interval));
        ArgumentOutOfRangeException.ThrowIfNegative(interval.Length, nameof(interval));
        var bases = new byte[interval.Length];
        genome.Read(interval.Contig, interval.Start, bases);
        if (minusStrand)
        {
            DnaComplement.ReverseComplementInPlace(bases);
        }
        return bases;
    }

    /// <summary>Turns bases of a contig into the opposite strand, which only nucleotides have.</summary>
    /// <param name="bases">The bases, changed in place.</param>
    /// <param name="contig">The contig's name, for the message.</param>
    /// <param name="start">0-based place of the first base.</param>
    /// <exception cref="InputDataException">One of them is no nucleotide code.</exception>
    public static void ReverseComplement(Span<byte> bases, string contig, long start)
    {
        int bad = NucleotideBytes.IndexOfInvalid(bases);
        if (bad >= 0)
        {
            throw new InputDataException(
                $"'{(char)bases[bad]}' is no nucleotide code, so it has no complement", $"contig '{contig}', position {start + bad + 1}",
                "IUPAC nucleotide codes", "leave --reverse-complement out: this may be protein");
        }
        DnaComplement.ReverseComplementInPlace(bases);
    }

    private static GenomeInterval Whole(int contig, GenomeSource genome) => new(contig, 0, genome.LengthOf(contig));

    private static GenomeInterval Range(int contig, string range, string region, GenomeSource genome)
    {
        long length = genome.LengthOf(contig);
        int dash = range.IndexOf('-', StringComparison.Ordinal);
        string from = dash < 0 ? range : range[..dash];
        string to = dash < 0 ? "" : range[(dash + 1)..];
        if (from.Length == 0 && to.Length == 0)
        {
            throw Bad("no position after the name", region);
        }
        long start = from.Length == 0 ? 1 : Position(from, region);
        long end = to.Length == 0 ? length : Position(to, region);
        return start > end && to.Length > 0
            ? throw Bad($"the region ends at {end}, before it begins at {start}", region)
            : start > length
            ? throw new InputDataException(
                $"the region begins at {start}, contig '{genome.Contigs[contig].Name}' ends at {length}", $"region {region}",
                "positions inside the contig")
            : new GenomeInterval(contig, start - 1, Math.Min(end, length));
    }

    private static bool IsRange(string text) =>
        text.Length > 0 && text != "-" && text.Count(c => c == '-') <= 1 && text.All(c => char.IsAsciiDigit(c) || c is ',' or '-');

    private static long Position(string text, string region)
    {
        string digits = text.Replace(",", "", StringComparison.Ordinal);
        return long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= 1
            ? value
            : throw Bad($"'{text}' is no position", region);
    }

    private static int Find(string name, string region, GenomeSource genome)
    {
        int contig = genome.IndexOf(name);
        if (contig >= 0)
        {
            return contig;
        }
        IReadOnlyList<string> nearest = NearestNames.Find(name, genome.Contigs.Select(c => c.Name));
        throw new InputDataException(
            $"the genome has no contig '{name}'", $"region {region}", "the name of a contig", nearest.Count == 0 ? null : $"one of {string.Join(", ", nearest)}");
    }

    private static InputDataException Bad(string what, string region) => new(what, $"region {region}", Forms);
}
