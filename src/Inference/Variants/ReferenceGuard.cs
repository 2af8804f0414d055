using System.Globalization;
using System.Text;
using GenoSeq.Data;

namespace GenoSeq.Inference.Variants;

/// <summary>Compares REF alleles with the genome before anything is scored, and says what does not agree.</summary>
internal sealed class ReferenceGuard(GenomeSource genome, string file, bool allow)
{
    private const int Shown = 3;

    private readonly List<string> _examples = [];
    private readonly Dictionary<string, long> _missing = new(StringComparer.Ordinal);
    private long _total;
    private long _different;
    private string? _alias;

    /// <summary>Looks at one record.</summary>
    /// <param name="contig">Its contig.</param>
    /// <param name="position0">0-based place.</param>
    /// <param name="reference">REF.</param>
    /// <param name="line">Line of the file.</param>
    internal void Look(string contig, long position0, ReadOnlySpan<byte> reference, long line)
    {
        _total++;
        ReferenceMatch match = ReferenceCheck.Compare(genome, contig, position0, reference);
        if (match == ReferenceMatch.MissingContig)
        {
            _missing[contig] = _missing.GetValueOrDefault(contig) + 1;
            return;
        }

        if (_alias is null && genome.IndexOf(contig) < 0)
        {
            _alias = $"contig '{contig}' of the variants is taken for '{genome.Contigs[ContigAlias.IndexOf(genome, contig)].Name}' of the genome";
        }

        if (match is ReferenceMatch.Different or ReferenceMatch.OutsideContig)
        {
            _different++;
            if (_examples.Count < Shown)
            {
                _examples.Add(string.Create(CultureInfo.InvariantCulture,
                    $"line {line}: {contig}:{position0 + 1} has REF {Text(reference)}, the genome {There(contig, position0, reference.Length)}"));
            }
        }
    }

    /// <summary>What was seen.</summary>
    /// <param name="say">Told what the user should know.</param>
    /// <exception cref="InputDataException">REF alleles differ and that is not allowed, or no record's contig is there.</exception>
    internal void Finish(Action<string>? say)
    {
        if (_alias is not null)
        {
            say?.Invoke(_alias);
        }

        if (_missing.Count > 0)
        {
            string first = _missing.Keys.First();
            long records = _missing.Values.Sum();
            string near = string.Join(", ", NearestNames.Find(first, genome.Contigs.Select(c => c.Name)));
            if (records == _total)
            {
                throw new InputDataException($"the genome has none of the variants' contigs, such as '{first}'", file, "variants and genome of one assembly",
                    $"the genome of these variants; this one has {near}");
            }

            say?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{records:N0} records lie on contigs that the genome lacks, such as '{first}'"));
        }

        if (_different == 0)
        {
            return;
        }

        string what = string.Create(CultureInfo.InvariantCulture, $"{_different:N0} of {_total:N0} REF alleles differ from the genome ({string.Join("; ", _examples)})");
        if (!allow)
        {
            throw new InputDataException(what, file, "variants and genome of one assembly",
                "the genome that the variants were called on, or --allow-ref-mismatch to leave these out");
        }

        say?.Invoke($"{what}; they are not scored");
    }

    private string There(string contig, long position0, int length)
    {
        int index = ContigAlias.IndexOf(genome, contig);
        long from = Math.Clamp(position0, 0, genome.LengthOf(index));
        long to = Math.Clamp(position0 + length, from, genome.LengthOf(index));
        return from == to ? "ends before" : Text(GenomeRegion.Read(genome, new GenomeInterval(index, from, to)));
    }

    private static string Text(ReadOnlySpan<byte> bases) => bases.Length <= 20
        ? Encoding.ASCII.GetString(bases)
        : $"{Encoding.ASCII.GetString(bases[..17])}...";
}
