namespace GenoSeq.Data;

/// <summary>Opens files for reading, and says what is wrong where that fails.</summary>
internal static class InputFileOpening
{
    internal static FileStream OpenStream(string path, FileOptions access = FileOptions.SequentialScan)
    {
        if (Directory.Exists(path))
        {
            throw new InputDataException("a folder was given where a file is needed", path, "a file",
                "name the files inside it");
        }
        try
        {
            return new FileStream(path, new FileStreamOptions
            {
                Options = access,
                BufferSize = 0,
                Share = FileShare.Read | FileShare.Delete,
            });
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputDataException(
                "file not found", path, "an existing file",
                "check the path; relative paths start at the current folder", e);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw Unreadable(path, e);
        }
    }

    internal static InputDataException Unreadable(string path, Exception cause) =>
        new($"the file cannot be read: {cause.Message}", path, "a readable file", inner: cause);
}
