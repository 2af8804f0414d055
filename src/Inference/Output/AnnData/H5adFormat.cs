using GenoSeq.Torch.IO;

namespace GenoSeq.Inference.Output.AnnData;

/// <summary>AnnData as an HDF5 file, by HDF5's own library.</summary>
internal sealed class H5adFormat : EmbeddingFormat
{
    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'H', (byte)'D', (byte)'F'];

    public override string Name => "h5ad";

    public override string Extension => ".h5ad";

    public override void Require(EmbeddingFormatOptions options) => _ = Hdf5Library.Instance;

    public override void Write(EmbeddingTable table, string path, EmbeddingFormatOptions options)
    {
        AnnDataStore.RefuseExisting(path, options.Force, IsHdf5);
        string full = Path.GetFullPath(path);
        // In a folder of its own, which goes away also when the process is killed and the export done again.
        using AtomicDirectory folder = AtomicDirectory.Create(full + ".parts");
        string file = Path.Combine(folder.Path, Path.GetFileName(full));
        using (var store = new Hdf5Store(file, options.Compress))
        {
            AnnDataLayout.Write(store, table);
        }

        File.Move(file, full, options.Force);
    }

    private static bool IsHdf5(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        Span<byte> start = stackalloc byte[4];
        using FileStream stream = File.OpenRead(path);
        return stream.ReadAtLeast(start, 4, throwOnEndOfStream: false) == 4 && start.SequenceEqual(Signature);
    }
}
