using System.Buffers.Binary;
using System.IO.Compression;

namespace GenoSeq.Data;

/// <summary>Decompresses gzip members (RFC 1952), any number of them, BGZF blocks among them.</summary>
/// <remarks>
/// The runtime's inflater does not tell where deflate data ends inside the bytes that it was given. It stops asking for
/// more once it has ended, though, so the end lies in the last piece handed over, and what must follow is known by then:
/// CRC-32 and length of what came out. The trailer is found by looking for these eight bytes. Only an empty member's
/// eight zeros could be found too early, so the first bytes of every member are handed over one by one.
/// </remarks>
internal sealed class GzipInputStream : ReadOnlyStream
{
    // Long enough to make calls cheap; the place of a damaged trailer is known no better than this.
    private const int PieceLength = 4096;
    private const int OneByOne = 32;

    private readonly CompressedSource _source;
    private readonly Feed _feed;
    private DeflateStream? _inflate;
    private long _memberOffset;
    private uint _crc;
    private long _length;
    private bool _lastBlockMissing;
    private bool _ended;

    /// <param name="source">Stands before the first member.</param>
    internal GzipInputStream(CompressedSource source)
    {
        _source = source;
        _feed = new Feed(source);
    }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }
        while (!_ended)
        {
            if (_inflate is null && !BeginMember())
            {
                _ended = true;
                break;
            }
            int n;
            try
            {
                n = _inflate!.Read(buffer);
            }
            catch (InvalidDataException e)
            {
                throw new InputDataException(
                    "the gzip data is damaged: it is no deflate data", Near(), "complete gzip members",
                    GzipFormat.Advice, e);
            }
            if (n > 0)
            {
                _crc = Crc32.Append(_crc, buffer[..n]);
                _length += n;
                return n;
            }
            EndMember();
        }
        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inflate?.Dispose();
        }
        base.Dispose(disposing);
    }

    private bool BeginMember()
    {
        GzipNext next = GzipFormat.Next(_source, out _);
        if (next == GzipNext.End)
        {
            return _lastBlockMissing ? throw BgzfErrors.NoEndOfFile(_source.Name, _source.Offset) : false;
        }
        _memberOffset = _source.Offset;
        _lastBlockMissing = next == GzipNext.BgzfBlock;
        GzipFormat.SkipHeader(_source);
        _crc = 0;
        _length = 0;
        _feed.Begin();
        _inflate = new DeflateStream(_feed, CompressionMode.Decompress, leaveOpen: true);
        return true;
    }

    private void EndMember()
    {
        _inflate!.Dispose();
        _inflate = null;
        if (_feed.RanDry)
        {
            throw GzipFormat.Truncated(_source.Name, _memberOffset, "gzip member");
        }
        Span<byte> trailer = stackalloc byte[GzipFormat.TrailerLength];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, _crc);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer[4..], (uint)_length);
        bool whole = _source.Ensure(_feed.PieceSize + trailer.Length);
        ReadOnlySpan<byte> looked = _source.Buffered;
        looked = looked[..Math.Min(looked.Length, _feed.PieceSize + trailer.Length)];
        // The inflater wanted at least one byte of the piece.
        int at = looked[1..].IndexOf(trailer);
        if (at < 0)
        {
            throw BadTrailer(looked[1..], trailer, whole);
        }
        _source.Advance(1 + at + trailer.Length);
        // A member that is an empty BGZF block is what BGZF files end in.
        _lastBlockMissing &= _length > 0;
    }

    private InputDataException BadTrailer(ReadOnlySpan<byte> looked, ReadOnlySpan<byte> trailer, bool whole)
    {
        if (!whole && Overlap(looked, trailer))
        {
            return GzipFormat.Truncated(_source.Name, _memberOffset, "gzip member");
        }
        bool crcFound = looked.IndexOf(trailer[..4]) >= 0;
        bool lengthFound = !crcFound && looked.IndexOf(trailer[4..]) >= 0;
        string what = crcFound ? "the length of its content does not match"
            : lengthFound ? "the checksum of its content does not match"
            : "checksum and length of its content do not match, or are missing";
        string how = whole || crcFound || lengthFound ? "damaged" : "truncated or damaged";
        return new InputDataException(
            $"the gzip data is {how}: {what}", Near(),
            $"CRC-32 0x{_crc:X8} and length {(uint)_length}", GzipFormat.Advice);
    }

    // Whether the bytes end in a beginning of the trailer, or may have ended right before it.
    private static bool Overlap(ReadOnlySpan<byte> looked, ReadOnlySpan<byte> trailer)
    {
        for (int n = Math.Min(trailer.Length - 1, looked.Length); n > 0; n--)
        {
            if (looked.EndsWith(trailer[..n]))
            {
                return true;
            }
        }
        return looked.Length < trailer.Length;
    }

    private string Near() => $"{_source.Name}, gzip member at offset {_memberOffset}, near offset {_source.Offset}";

    /// <summary>The source in pieces. The last one stays in the source's buffer until the next is asked for.</summary>
    private sealed class Feed(CompressedSource source) : ReadOnlyStream
    {
        private int _singles;

        /// <summary>Length of the last piece.</summary>
        internal int PieceSize { get; private set; }

        /// <summary>Whether more was asked for than there is.</summary>
        internal bool RanDry { get; private set; }

        internal void Begin()
        {
            PieceSize = 0;
            RanDry = false;
            _singles = 0;
        }

        public override int Read(Span<byte> buffer)
        {
            source.Advance(PieceSize);
            PieceSize = 0;
            if (!source.Ensure(1))
            {
                RanDry = true;
                return 0;
            }
            int limit = _singles < OneByOne ? 1 : PieceLength;
            _singles++;
            PieceSize = Math.Min(Math.Min(limit, buffer.Length), source.Buffered.Length);
            source.Buffered[..PieceSize].CopyTo(buffer);
            return PieceSize;
        }
    }
}
