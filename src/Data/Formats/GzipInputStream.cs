using System.IO.Compression;

namespace GenoSeq.Data;

/// <summary>
/// Decompresses gzip, any number of concatenated members (so BGZF too), and refuses truncated or damaged data.
/// </summary>
/// <remarks>
/// <see cref="GZipStream"/> takes a file that stops in the middle of a member for a complete one. So one more small
/// member with known content is appended to the compressed bytes here: only if everything before it was whole does it
/// come out at the end, and it is then taken off again. If the file stops early, the appended bytes are swallowed by
/// the unfinished member, which ends in a decoding or checksum error or without the known content.
/// </remarks>
internal sealed class GzipInputStream : ReadOnlyStream
{
    private static readonly byte[] s_mark = [.. Enumerable.Range(0, 32).Select(i => (byte)(0xA7 ^ (i * 37)))];
    private static readonly byte[] s_markMember = Compress(s_mark);

    private readonly GZipStream _gzip;
    private readonly string _name;

    // Decompressed bytes not yet handed out; the last 32 are held back until they are known not to be the mark.
    private readonly byte[] _held = new byte[1 << 17];
    private int _start;
    private int _end;
    private bool _ended;

    internal GzipInputStream(Stream compressed, string name)
    {
        _name = name;
        _gzip = new GZipStream(new WithMark(compressed), CompressionMode.Decompress);
    }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }
        while (!_ended && _end - _start <= s_mark.Length)
        {
            Fill();
        }
        int available = _end - _start - (_ended ? 0 : s_mark.Length);
        int n = Math.Min(available, buffer.Length);
        _held.AsSpan(_start, n).CopyTo(buffer);
        _start += n;
        return n;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _gzip.Dispose();
        }
        base.Dispose(disposing);
    }

    private static byte[] Compress(byte[] content)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(content);
        }
        return output.ToArray();
    }

    private void Fill()
    {
        _held.AsSpan(_start, _end - _start).CopyTo(_held);
        _end -= _start;
        _start = 0;
        int n;
        try
        {
            n = _gzip.Read(_held.AsSpan(_end));
        }
        catch (InvalidDataException e)
        {
            throw Broken(e);
        }
        _end += n;
        if (n == 0)
        {
            if (!_held.AsSpan(0, _end).EndsWith(s_mark))
            {
                throw Broken(null);
            }
            _end -= s_mark.Length;
            _ended = true;
        }
    }

    private InputDataException Broken(Exception? cause) => new(
        "the gzip data is truncated or damaged", _name, "complete gzip members and nothing after them",
        "check the file with 'gzip -t' and fetch or compress it again", cause);

    /// <summary>The compressed bytes with the marking member after them.</summary>
    private sealed class WithMark(Stream compressed) : ReadOnlyStream
    {
        private int _markRead = -1;

        public override int Read(Span<byte> buffer)
        {
            if (_markRead < 0)
            {
                int n = compressed.Read(buffer);
                if (n > 0 || buffer.IsEmpty)
                {
                    return n;
                }
                _markRead = 0;
            }
            int m = Math.Min(buffer.Length, s_markMember.Length - _markRead);
            s_markMember.AsSpan(_markRead, m).CopyTo(buffer);
            _markRead += m;
            return m;
        }
    }
}
