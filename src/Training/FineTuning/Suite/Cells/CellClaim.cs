namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>
/// The right to work on a cell: the operating system's lock on a file, held open, so that it ends with the process whatever ends
/// that. The file stays: removing a locked file would let a third process lock a new one.
/// </summary>
internal sealed class CellClaim : IDisposable
{
    private readonly FileStream _stream;

    private CellClaim(FileStream stream) => _stream = stream;

    /// <summary>Claims; null if the file is locked.</summary>
    /// <exception cref="IOException">The file cannot be made.</exception>
    internal static CellClaim? Take(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        try
        {
            return new CellClaim(new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException) when (File.Exists(file))
        {
            return null;
        }
    }

    public void Dispose() => _stream.Dispose();
}
