using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace GenoSeq.Inference.Scoring;

/// <summary>Numbers of a sequence that wait to be read in another order: in memory, or where they are many in a temporary file.</summary>
internal sealed class ValueStore : IDisposable
{
    private const long InMemory = 1 << 24;

    private readonly float[]? _values;
    private readonly SafeFileHandle? _file;

    internal ValueStore(long length)
    {
        if (length <= InMemory)
        {
            _values = new float[length];
            return;
        }

        _file = File.OpenHandle(Path.Combine(Path.GetTempPath(), $"genoseq-{Guid.NewGuid():N}.tmp"), FileMode.CreateNew,
            FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
    }

    internal void Write(long start, ReadOnlySpan<float> values)
    {
        if (_values is not null)
        {
            values.CopyTo(_values.AsSpan((int)start));
            return;
        }

        RandomAccess.Write(_file!, MemoryMarshal.AsBytes(values), start * sizeof(float));
    }

    internal void Read(long start, Span<float> values)
    {
        if (_values is not null)
        {
            _values.AsSpan((int)start, values.Length).CopyTo(values);
            return;
        }

        Span<byte> bytes = MemoryMarshal.AsBytes(values);
        for (long at = start * sizeof(float); !bytes.IsEmpty;)
        {
            int read = RandomAccess.Read(_file!, bytes, at);
            if (read == 0)
            {
                throw new EndOfStreamException("a temporary file is shorter than what was written to it");
            }

            at += read;
            bytes = bytes[read..];
        }
    }

    public void Dispose() => _file?.Dispose();
}
