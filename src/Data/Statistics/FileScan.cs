using Microsoft.Win32.SafeHandles;

namespace GenoSeq.Data;

/// <summary>Counts a plain file in pieces on several threads, with positional reads into one buffer for each thread.</summary>
internal sealed class FileScan(SafeFileHandle file, long length, int threads, int pieceSize)
{
    /// <summary>Half of a usual second-level cache, so that a piece is still there when it is scanned.</summary>
    internal const int DefaultPiece = 1 << 19;

    // A record that goes on beyond its piece is read further up to this; longer ones are the streaming reader's.
    private const int MaxRecord = 1 << 24;

    private readonly int _pieces = checked((int)((length + pieceSize - 1) / pieceSize));
    private int _next;
    private volatile bool _unusual;

    internal static FileScan Create(SafeFileHandle file, long length, int threads, int pieceSize = DefaultPiece)
    {
        // Summaries of pieces stay few however long the file is.
        long size = Math.Min(Math.Max(pieceSize, length >> 16), 1 << 28);
        return new FileScan(file, length, threads, (int)size);
    }

    /// <summary>False where the file needs the streaming reader.</summary>
    internal bool TryFasta<T>(T classifier, LengthHistogram lengths, out BaseTally tally)
        where T : struct, IBlockClassifier
    {
        var chunks = new FastaChunk[_pieces];
        Work(lengths, (buffer, closed) =>
        {
            while (TakePiece(out int piece))
            {
                int before = piece > 0 ? 1 : 0;
                int wanted = Wanted(piece) + before;
                if (!ReadAll(buffer.AsSpan(0, wanted), Offset(piece) - before))
                {
                    return;
                }
                chunks[piece] = FastaChunkScanner.Scan(buffer, before, wanted, classifier, closed);
                _unusual |= chunks[piece].Unusual;
            }
        });
        tally = default;
        return !_unusual && FastaChunkChain.TryJoin(chunks, lengths, out tally);
    }

    /// <summary>False where the file needs the streaming reader.</summary>
    internal bool TryFastq<T>(T classifier, LengthHistogram lengths, out BaseTally tally)
        where T : struct, IBlockClassifier
    {
        var chunks = new (long Begin, long End, BaseTally Tally)[_pieces];
        Work(lengths, (buffer, found) =>
        {
            while (TakePiece(out int piece))
            {
                if (!TryFastqPiece(piece, ref buffer, classifier, found, out chunks[piece]))
                {
                    _unusual = true;
                    return;
                }
            }
        });
        tally = default;
        long at = 0;
        for (int i = 0; i < _pieces && !_unusual; i++)
        {
            if (chunks[i].Begin < 0)
            {
                // No record begins in the piece: then one must go on through all of it.
                _unusual |= at < Offset(i) + Wanted(i);
                continue;
            }
            // A guessed beginning counts only if the piece before ended right there.
            _unusual |= chunks[i].Begin != at;
            at = chunks[i].End;
            tally.Add(chunks[i].Tally);
        }
        return !_unusual && at == length && lengths.Records > 0;
    }

    private bool TryFastqPiece<T>(
        int piece, ref byte[] buffer, T classifier, LengthHistogram found, out (long Begin, long End, BaseTally Tally) result)
        where T : struct, IBlockClassifier
    {
        result = default;
        int before = piece > 0 ? 1 : 0;
        long origin = Offset(piece) - before;
        int limit = Wanted(piece) + before;
        int filled = (int)Math.Min(limit + 16384, length - origin);
        if (!Extend(ref buffer, 0, filled, origin))
        {
            return false;
        }
        int pos = piece == 0 ? 0 : FastqChunkScanner.GuessRecord(buffer.AsSpan(0, filled), before);
        if (pos < 0)
        {
            result.Begin = -1;
            return true;
        }
        result.Begin = origin + pos;
        while (pos < limit)
        {
            bool final = origin + filled == length;
            int next = FastqChunkScanner.ScanRecord(buffer, pos, filled, final, classifier, ref result.Tally, found);
            if (next >= 0)
            {
                pos = next;
                continue;
            }
            int more = (int)Math.Min(2L * filled, length - origin);
            if (next == FastqChunkScanner.Unusual || final || more > MaxRecord + pieceSize || !Extend(ref buffer, filled, more, origin))
            {
                return false;
            }
            filled = more;
        }
        result.End = origin + pos;
        return true;
    }

    private bool Extend(ref byte[] buffer, int from, int to, long origin)
    {
        if (to + FastaChunkScanner.Slack > buffer.Length)
        {
            Array.Resize(ref buffer, to + FastaChunkScanner.Slack);
        }
        return ReadAll(buffer.AsSpan(from, to - from), origin + from);
    }

    private void Work(LengthHistogram lengths, Action<byte[], LengthHistogram> run)
    {
        int count = Math.Clamp(threads, 1, Math.Max(1, _pieces));
        var found = new LengthHistogram[count];
        var workers = new Thread[count - 1];
        Exception? failure = null;
        void Guarded(int i)
        {
            try
            {
                run(GC.AllocateUninitializedArray<byte>(pieceSize + 16384 + 1 + FastaChunkScanner.Slack), found[i] = new LengthHistogram());
            }
#pragma warning disable CA1031 // Carried over to the caller's thread.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failure = e;
                _unusual = true;
            }
        }
        for (int i = 1; i < count; i++)
        {
            int mine = i;
            workers[i - 1] = new Thread(() => Guarded(mine)) { IsBackground = true };
            workers[i - 1].Start();
        }
        Guarded(0);
        foreach (Thread worker in workers)
        {
            worker.Join();
        }
        if (failure is not null)
        {
            throw new InputDataException($"the file cannot be read: {failure.Message}", inner: failure);
        }
        foreach (LengthHistogram part in found)
        {
            lengths.Add(part);
        }
    }

    private bool TakePiece(out int piece)
    {
        piece = Interlocked.Increment(ref _next) - 1;
        return piece < _pieces && !_unusual;
    }

    private long Offset(int piece) => (long)piece * pieceSize;

    private int Wanted(int piece) => (int)Math.Min(pieceSize, length - Offset(piece));

    private bool ReadAll(Span<byte> into, long offset)
    {
        while (!into.IsEmpty)
        {
            int n = RandomAccess.Read(file, into, offset);
            if (n <= 0)
            {
                // The file became shorter while it was read.
                _unusual = true;
                return false;
            }
            into = into[n..];
            offset += n;
        }
        return true;
    }
}
