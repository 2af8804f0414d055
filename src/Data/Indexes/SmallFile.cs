namespace GenoSeq.Data;

/// <summary>Reads index files whole, with errors in the words of this assembly.</summary>
internal static class SmallFile
{
    internal static byte[] ReadAll(string path)
    {
        try
        {
            var info = new FileInfo(path);
            return !info.Exists
                ? throw new InputDataException(
                    "index file not found", path, "an existing file", "make it with 'genoseq data index'")
                : info.Length > Array.MaxLength
                    ? throw new InputDataException(
                        "the index file is larger than 2 GB", path, "an index of some megabytes",
                        "remake it with 'genoseq data index --force'")
                    : File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputDataException($"the file cannot be read: {e.Message}", path, "a readable file", inner: e);
        }
    }
}
