using System.Buffers;
using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// One file for each sequence in a folder for each class, as Genomic Benchmarks lays out its sets; the file's name is the
/// row's identifier.
/// </summary>
internal static class LabelledTextFolder
{
    internal static void Read(LabelledFile folder, LabelledRows rows)
    {
        byte[] label = Encoding.UTF8.GetBytes(folder.Class!);
        string[] files = Directory.GetFiles(folder.Path, "*.txt");
        if (files.Length == 0)
        {
            throw new InputDataException($"the class '{folder.Class}' has no sequences", folder.Path, "files ID.txt with one sequence each");
        }
        Array.Sort(files, StringComparer.Ordinal);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 16);
        try
        {
            rows.BeginFile(folder.Path, ["class"], pairs: false, sources: false);
            foreach (string file in files)
            {
                int length = ReadFile(file, ref buffer);
                // Errors are to name the file with the sequence; the list of names has the folder only, for its size.
                rows.Files[^1] = file;
                rows.AddLabel(label, 1);
                ReadOnlySpan<byte> sequence = buffer.AsSpan(0, length).Trim(" \t\r\n"u8);
                rows.Add(folder.Part, sequence, default, Encoding.UTF8.GetBytes(Path.GetFileNameWithoutExtension(file)), default, 1);
            }
            rows.Files[^1] = folder.Path;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static int ReadFile(string path, ref byte[] buffer)
    {
        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle handle = File.OpenHandle(path);
            int length = 0;
            while (true)
            {
                if (length == buffer.Length)
                {
                    if (length >= LineReader.DefaultMaxLine)
                    {
                        throw new InputDataException($"the file is longer than {LineReader.DefaultMaxLine} bytes", path, "one sequence");
                    }
                    byte[] larger = ArrayPool<byte>.Shared.Rent(2 * length);
                    buffer.CopyTo(larger, 0);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }
                int n = RandomAccess.Read(handle, buffer.AsSpan(length), length);
                if (n == 0)
                {
                    return length;
                }
                length += n;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputDataException($"the file cannot be read: {e.Message}", path, "a readable file", inner: e);
        }
    }
}
