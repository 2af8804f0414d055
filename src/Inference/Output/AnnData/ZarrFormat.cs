using GenoSeq.Torch.IO;

namespace GenoSeq.Inference.Output.AnnData;

/// <summary>AnnData as a folder of zarr, version 2 or 3.</summary>
internal sealed class ZarrFormat : EmbeddingFormat
{
    public override string Name => "zarr";

    public override string Extension => ".zarr";

    public override void Write(EmbeddingTable table, string path, EmbeddingFormatOptions options)
    {
        AnnDataStore.RefuseExisting(path, options.Force, p => File.Exists(Path.Combine(p, ".zgroup")) || File.Exists(Path.Combine(p, "zarr.json")));
        AtomicDirectory.Write(path.TrimEnd('/'), folder =>
            AnnDataLayout.Write(options.ZarrVersion == 3 ? new Zarr3Store(folder, options.Compress) : new Zarr2Store(folder, options.Compress), table));
    }
}
