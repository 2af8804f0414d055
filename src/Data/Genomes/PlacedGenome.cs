using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// Pieces of a genome at their places: a FASTA file whose headers say behind the name where the record lies, <c>&gt;NAME
/// CONTIG:FROM-TO</c> (1-based, both ends included, forward strand). Everything between the pieces is N.
/// </summary>
public sealed class PlacedGenome : GenomeSource
{
    private readonly FastaGenome _pieces;
    private readonly Contig[] _contigs;

    // Of each contig: its pieces, by start.
    private readonly (long Start, int Piece)[][] _places;

    private PlacedGenome(FastaGenome pieces, IReadOnlyList<(string Contig, long Start)> places)
    {
        _pieces = pieces;
        var byContig = places.Select((p, i) => (p.Contig, p.Start, Piece: i)).GroupBy(p => p.Contig, StringComparer.Ordinal).ToArray();
        _places = [.. byContig.Select(g => g.Select(p => (p.Start, p.Piece)).OrderBy(p => p.Start).ToArray())];
        _contigs = [.. byContig.Select(g => new Contig(g.Key, g.Max(p => p.Start + pieces.LengthOf(p.Piece))))];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<Contig> Contigs => _contigs;

    /// <inheritdoc/>
    public override GenomeDigest Digest => _pieces.Digest;

    /// <summary>The intervals of the pieces, contig by contig.</summary>
    public IReadOnlyList<GenomeInterval> Pieces =>
        [.. _places.SelectMany((p, contig) => p.Select(x => new GenomeInterval(contig, x.Start, x.Start + _pieces.LengthOf(x.Piece))))];

    /// <summary>Reads a file into memory.</summary>
    /// <exception cref="InputDataException">A header names no place, a place has another length than its record, or the file is no
    /// nucleotide FASTA.</exception>
    public static PlacedGenome Load(string path)
    {
        List<(string, long)> places = [];
        List<long> lengths = [];
        using (InputFile file = InputFile.Open(path, new InputFileOptions()))
        using (var lines = new LineReader(file.Content, path, LineReader.DefaultMaxLine))
        {
            while (lines.Read())
            {
                if (!lines.Line.IsEmpty && lines.Line[0] == '>')
                {
                    (string contig, long start, long length) = Place(Encoding.UTF8.GetString(lines.Line[1..]), lines.Where);
                    places.Add((contig, start));
                    lengths.Add(length);
                }
            }
        }

        FastaGenome pieces = FastaGenome.Load(path);
        for (int i = 0; i < lengths.Count; i++)
        {
            if (pieces.LengthOf(i) != lengths[i])
            {
                throw new InputDataException($"record '{pieces.Contigs[i].Name}' has {pieces.LengthOf(i)} bases, and its place {lengths[i]}", path,
                    "a place as long as the record, both ends included", "correct the header");
            }
        }

        return new PlacedGenome(pieces, places);
    }

    /// <inheritdoc/>
    public override void Read(int contig, long start, Span<byte> destination)
    {
        CheckRange(contig, start, destination.Length);
        destination.Fill((byte)'N');
        long end = start + destination.Length;
        foreach ((long from, int piece) in _places[contig])
        {
            long first = Math.Max(from, start);
            long last = Math.Min(from + _pieces.LengthOf(piece), end);
            if (first < last)
            {
                _pieces.Read(piece, first - from, destination[(int)(first - start)..(int)(last - start)]);
            }
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _pieces.Dispose();
        }

        base.Dispose(disposing);
    }

    private static (string Contig, long Start, long Length) Place(string header, string where)
    {
        string[] words = header.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        string place = words.Length > 1 ? words[1] : "";
        int colon = place.LastIndexOf(':');
        string[] ends = colon > 0 ? place[(colon + 1)..].Split('-') : [];
        return ends.Length == 2 && long.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out long from)
            && long.TryParse(ends[1], NumberStyles.None, CultureInfo.InvariantCulture, out long to) && from >= 1 && to >= from
            ? (place[..colon], from - 1, to - from + 1)
            : throw new InputDataException("the header names no place", where, "'>NAME CONTIG:FROM-TO', such as '>HNF4A 20:42984160-42984444'",
                "add the place, or leave --placed out if the records are contigs");
    }
}
