namespace GenoSeq.Models.Tests.Cuda;

/// <summary>A folder that a test fills and that goes with it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    internal string Path { get; } = Directory.CreateTempSubdirectory("genoseq-cuda-").FullName;

    internal string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Makes an empty file, with the folders above it.</summary>
    internal string File(string name)
    {
        string file = this[name];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        System.IO.File.WriteAllBytes(file, []);
        return file;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
