using System.Buffers.Binary;
using System.Diagnostics;

namespace GenoSeq.Data.Tests;

/// <summary>Compressed bytes for tests, and their content.</summary>
internal static class Compressed
{
    /// <summary>DNA-like text with line ends.</summary>
    internal static byte[] Dna(int length, int seed)
    {
        var random = new Random(seed);
        var bytes = new byte[length];
        for (int i = 0; i < length; i++)
        {
            bytes[i] = i % 61 == 60 ? (byte)'\n' : (byte)"ACGT"[random.Next(4)];
        }
        return bytes;
    }

    internal static byte[] Bgzf(byte[] bytes, int level = 6, int threads = 1)
    {
        using var output = new MemoryStream();
        using (var writer = new BgzfWriter(
            output, new BgzfWriterOptions { Level = level, Threads = threads, LeaveOpen = true }))
        {
            writer.Write(bytes);
            writer.Complete();
        }
        return output.ToArray();
    }

    /// <summary>BGZF with blocks of the given content lengths, 0 for an empty block.</summary>
    internal static byte[] BgzfBlocks(byte[] bytes, params int[] lengths)
    {
        var output = new List<byte>();
        int at = 0;
        foreach (int length in lengths)
        {
            byte[] one = Bgzf(bytes[at..(at + length)]);
            output.AddRange(length == 0 ? one : one[..^28]);
            at += length;
        }
        Assert.Equal(bytes.Length, at);
        return [.. output];
    }

    /// <summary>A gzip member with the optional header fields that flags ask for.</summary>
    internal static byte[] GzipWithHeader(byte[] content, byte flags)
    {
        byte[] usual = TempFolder.Gzip(content);
        var header = new List<byte>(usual[..10]) { [3] = flags };
        if ((flags & 4) != 0)
        {
            header.AddRange([7, 0, (byte)'X', (byte)'Y', 3, 0, 1, 2, 3]);
        }
        if ((flags & 8) != 0)
        {
            header.AddRange("name\0"u8);
        }
        if ((flags & 16) != 0)
        {
            header.AddRange([.. Enumerable.Repeat((byte)'c', 300_000), 0]);
        }
        if ((flags & 2) != 0)
        {
            var crc = new byte[2];
            BinaryPrimitives.WriteUInt16LittleEndian(crc, (ushort)Crc32.AppendScalar(0, [.. header]));
            header.AddRange(crc);
        }
        return [.. header, .. usual[10..]];
    }

    internal static byte[] ReadAll(byte[] bytes, int threads = 1)
    {
        using var stream = new MemoryStream(bytes);
        using InputFile file = InputFile.FromStream(stream, "x.gz", new InputFileOptions { Threads = threads });
        return ReadAll(file.Content);
    }

    internal static byte[] ReadAll(Stream stream)
    {
        using var output = new MemoryStream();
        stream.CopyTo(output);
        return output.ToArray();
    }

    /// <summary>The content, or null if it was refused as it should be.</summary>
    internal static byte[]? TryReadAll(byte[] bytes, int threads = 1)
    {
        try
        {
            return ReadAll(bytes, threads);
        }
        catch (InputDataException e)
        {
            Assert.NotNull(e.Where);
            return null;
        }
    }

    /// <summary>What a tool writes to standard output; its exit code must be 0.</summary>
    internal static byte[] Run(string tool, params string[] arguments)
    {
        (int code, byte[] output, string error) = TryRun(tool, arguments);
        Assert.True(code == 0, $"{tool} {string.Join(' ', arguments)}: {error}");
        return output;
    }

    internal static (int Code, byte[] Output, string Error) TryRun(string tool, params string[] arguments)
    {
        var start = new ProcessStartInfo(tool, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        byte[] output = ReadAll(process.StandardOutput.BaseStream);
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}

/// <summary>Gives one byte at a time, and cannot seek.</summary>
internal sealed class DribbleStream(byte[] bytes) : ReadOnlyStream
{
    private int _at;

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty || _at == bytes.Length)
        {
            return 0;
        }
        buffer[0] = bytes[_at++];
        return 1;
    }
}
