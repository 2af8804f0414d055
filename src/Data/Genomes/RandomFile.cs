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
                case FileKind.Gzip:
                    throw new InputDataException(
                        "ordinary gzip cannot be read at random positions", path, "plain FASTA or BGZF",
                        "recompress it: gzip -dc FILE | bgzip > NEW.gz");
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
}
