namespace GenoSeq.Data.Tests;

/// <summary>An array in the place of a file.</summary>
internal sealed class MemoryBytes(byte[] bytes) : RandomBytes
{
    internal override long Length => bytes.Length;

    public override void Dispose()
    {
    }

    internal override void Read(long offset, Span<byte> destination) =>
        bytes.AsSpan(checked((int)offset), destination.Length).CopyTo(destination);
}
