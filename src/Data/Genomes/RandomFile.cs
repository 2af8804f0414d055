namespace GenoSeq.Data;

/// <summary>Opens a file for random access to its decompressed bytes.</summary>
internal static class RandomFile
{
    internal static RandomBytes Open(string path, FastaIndexOptions? options)
    {
        var file = new FileBytes(path);
        try
        {
            switch (FileKinds.Of(file))
            {
                case FileKind.Bgzf:
                    file.Dispose();
                    return BgzfBytes.Open(path, options?.Warn);
                case FileKind.Gzip:
                    throw NotRandom(path);
                default:
                    return file;
            }
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    internal static InputDataException NotRandom(string path) => new(
        "ordinary gzip cannot be read at random positions", path, "plain FASTA or BGZF",
        $"recompress it with bgzip: gzip -dc {path} | bgzip > NEW.gz");
}
