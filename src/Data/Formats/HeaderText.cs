using System.Globalization;
using System.Text;

namespace GenoSeq.Data;

/// <summary>A header line as its pieces come in; kept and reused, so that records cost no garbage.</summary>
internal sealed class HeaderText
{
    /// <summary>No header of a real file comes near; a file without line ends must not fill the memory.</summary>
    internal const int MaxLength = 1 << 20;

    private byte[] _bytes = new byte[256];
    private int _length;

    internal ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>The first word; every control character separates, as Ctrl-A does in NCBI's merged headers.</summary>
    internal ReadOnlySpan<byte> Name
    {
        get
        {
            ReadOnlySpan<byte> rest = Bytes;
            int start = 0;
            while (start < rest.Length && rest[start] <= ' ')
            {
                start++;
            }
            int end = start;
            while (end < rest.Length && rest[end] > ' ')
            {
                end++;
            }
            return rest[start..end];
        }
    }

    internal string NameText => Encoding.UTF8.GetString(Name);

    internal void Clear() => _length = 0;

    internal void Append(ReadOnlySpan<byte> piece, string file, long line)
    {
        if (_length + piece.Length > MaxLength)
        {
            throw new InputDataException(
                string.Create(CultureInfo.InvariantCulture, $"a header line is longer than {MaxLength} bytes"),
                $"{file}, line {line}", "a short header line, then sequence lines", "check the file's line ends");
        }
        if (_length + piece.Length > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Min(MaxLength, Math.Max(_length + piece.Length, 2 * _bytes.Length)));
        }
        piece.CopyTo(_bytes.AsSpan(_length));
        _length += piece.Length;
    }
}
