using System.IO.Compression;
using System.Text;

namespace GenoSeq.Data.Tests;

internal sealed class TempFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("genoseq-data-").FullName;

    public void Dispose() => Directory.Delete(_path, recursive: true);

    internal string PathOf(string name) => System.IO.Path.Combine(_path, name);

    internal string Write(string name, string text) => Write(name, Encoding.Latin1.GetBytes(text));

    internal string Write(string name, byte[] bytes)
    {
        string path = PathOf(name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    internal static byte[] Gzip(byte[] bytes)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(bytes);
        }
        return output.ToArray();
    }

    internal static byte[] Gzip(string text) => Gzip(Encoding.Latin1.GetBytes(text));
}
