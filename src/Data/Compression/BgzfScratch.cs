namespace GenoSeq.Data;

/// <summary>What one thread needs to decompress a block.</summary>
internal sealed class BgzfScratch : IDisposable
{
    internal byte[] Compressed { get; } = GC.AllocateUninitializedArray<byte>(BgzfHeader.MaxLength);

    internal byte[] Content { get; } = GC.AllocateUninitializedArray<byte>(BgzfHeader.MaxLength);

    internal BlockInflater Inflater { get; } = BlockInflater.Create();

    public void Dispose() => Inflater.Dispose();
}
