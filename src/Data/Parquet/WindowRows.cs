using System.Text;
using GenoSeq.Data.Parquet.DuckDb;

namespace GenoSeq.Data.Parquet;

/// <summary>The windows [first, end) of a tiling as rows: contig, start, end, strand, sequence and, with a split, split.</summary>
internal sealed class WindowRows : IChunkSource
{
    // A chunk of a native table holds up to 2,048 rows; of long windows it gets fewer.
    private const int ChunkBytes = 4 << 20;

    private readonly GenomeSource _genome;
    private readonly WindowTiling _tiling;
    private readonly long _end;
    private readonly Action<long>? _progress;
    private readonly CancellationToken _stop;
    private long _next;
    private byte[] _bases = [];
    private int _contig = -1;
    private byte[] _name = [];

    internal WindowRows(GenomeSource genome, WindowTiling tiling, long first, long end, bool withPart, Action<long>? progress, CancellationToken stop)
    {
        (_genome, _tiling, _next, _end, _progress, _stop) = (genome, tiling, first, end, progress, stop);
        Columns =
        [
            ("contig", DuckDbType.Varchar), ("start", DuckDbType.BigInt), ("end", DuckDbType.BigInt),
            ("strand", DuckDbType.Varchar), ("sequence", DuckDbType.Varchar),
            .. withPart ? [("split", DuckDbType.Varchar)] : Array.Empty<(string, DuckDbType)>(),
        ];
    }

    public IReadOnlyList<(string Name, DuckDbType Type)> Columns { get; }

    public int Fill(in ChunkWriter chunk, int capacity)
    {
        _stop.ThrowIfCancellationRequested();
        int row = 0;
        for (long bytes = 0; row < capacity && bytes < ChunkBytes && _next < _end; row++, _next++)
        {
            TiledWindow window = _tiling[_next];
            GenomeInterval where = window.Interval;
            if (where.Contig != _contig)
            {
                _contig = where.Contig;
                _name = Encoding.UTF8.GetBytes(_genome.Contigs[_contig].Name);
            }

            int length = (int)where.Length;
            if (_bases.Length < length)
            {
                _bases = new byte[length];
            }

            _genome.Read(where.Contig, where.Start, _bases.AsSpan(0, length));
            chunk.Set(0, row, _name);
            chunk.Set(1, row, where.Start);
            chunk.Set(2, row, where.End);
            chunk.Set(3, row, "+"u8);
            chunk.Set(4, row, _bases.AsSpan(0, length));
            if (window.Part is string part)
            {
                chunk.Set(5, row, part switch { "train" => "train"u8, "valid" => "valid"u8, _ => "test"u8 });
            }

            bytes += length;
        }

        _progress?.Invoke(row);
        return row;
    }
}
