using System.Security.Cryptography;

namespace GenoSeq.Data;

/// <summary>SHA-256 of bytes as they pass, beside the passing thread where there are many.</summary>
internal sealed class Sha256Stage : IDisposable
{
    private const int PieceLength = 1 << 20;
    private const int MaxPieces = 4;
    private const long LongInput = 8 << 20;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Queue<(Task Work, byte[] Piece)> _inFlight = new();
    private readonly bool _beside;
    private Task _last = Task.CompletedTask;
    private byte[] _piece = [];
    private int _filled;

    /// <param name="length">Bytes to come; negative if unknown.</param>
    internal Sha256Stage(long length)
    {
        _beside = length is < 0 or >= LongInput;
        if (_beside)
        {
            _piece = GC.AllocateUninitializedArray<byte>(PieceLength);
        }
    }

    public void Dispose()
    {
        _last.Wait();
        _hash.Dispose();
    }

    internal void Append(ReadOnlySpan<byte> bytes)
    {
        if (!_beside)
        {
            _hash.AppendData(bytes);
            return;
        }
        while (!bytes.IsEmpty)
        {
            int n = Math.Min(bytes.Length, _piece.Length - _filled);
            bytes[..n].CopyTo(_piece.AsSpan(_filled));
            _filled += n;
            bytes = bytes[n..];
            if (_filled == _piece.Length)
            {
                Give();
            }
        }
    }

    /// <summary>The digest so far, in lower-case hexadecimal.</summary>
    internal string Finish()
    {
        _last.Wait();
        _inFlight.Clear();
        _hash.AppendData(_piece.AsSpan(0, _filled));
        _filled = 0;
        return Convert.ToHexStringLower(_hash.GetCurrentHash());
    }

    private void Give()
    {
        byte[] full = _piece;
        _last = _last.ContinueWith(_ => _hash.AppendData(full), TaskScheduler.Default);
        _inFlight.Enqueue((_last, full));
        if (_inFlight.Count < MaxPieces)
        {
            _piece = GC.AllocateUninitializedArray<byte>(PieceLength);
        }
        else
        {
            (Task oldest, _piece) = _inFlight.Dequeue();
            oldest.Wait();
        }
        _filled = 0;
    }
}
