namespace GenoSeq.Torch.Tests.IO;

/// <summary>A fresh folder that goes with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("genoseq-test-");

    public string Path => folder.FullName;

    /// <summary>Names of everything in the folder, hidden names included, in ordinal order.</summary>
    public string[] Names =>
        [.. folder.EnumerateFileSystemInfos().Select(info => info.Name).Order(StringComparer.Ordinal)];

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => folder.Delete(recursive: true);
}
