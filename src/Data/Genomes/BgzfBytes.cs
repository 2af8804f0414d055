namespace GenoSeq.Data;

/// <summary>The content of a BGZF file, decompressed block by block.</summary>
internal sealed class BgzfBytes : RandomBytes
{
    private readonly BgzfFile _file;

    private BgzfBytes(BgzfFile file) => _file = file;

    internal override long Length => _file.Length;

    public override void Dispose() => _file.Dispose();

    /// <summary>Opens a BGZF file with the <c>.gzi</c> beside it, if that is not older, else with one made in memory.</summary>
    internal static BgzfBytes Open(string path, Action<string>? warn)
    {
        string beside = BgzfIndex.PathFor(path);
        BgzfIndex? index = null;
        if (File.Exists(beside) && FastaIndexStore.Facts(beside).Changed < FastaIndexStore.Facts(path).Changed)
        {
            warn?.Invoke($"{beside} is older than the file it indexes and is not used; 'genoseq data index' makes it anew");
            index = BgzfIndex.Build(path);
        }
        return new BgzfBytes(BgzfFile.Open(path, index));
    }

    internal override void Read(long offset, Span<byte> destination) => _file.Read(offset, destination);
}
