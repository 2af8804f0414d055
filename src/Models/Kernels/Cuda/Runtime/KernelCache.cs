using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using GenoSeq.Torch.IO;

namespace GenoSeq.Models.Kernels.Cuda.Runtime;

/// <summary>
/// Compiled kernels on disk, by a digest of all that they depend on. Ranks share a folder without locks: a file appears whole,
/// by renaming, and whoever reads it checks its length and digest. A folder that cannot be used is no error, only slower.
/// </summary>
/// <param name="folder">The folder; null: nothing is kept.</param>
/// <param name="log">Is told once why the folder is not used.</param>
/// <param name="write">Writes a file whole or not at all; null: as <see cref="AtomicFile"/> does.</param>
internal sealed class KernelCache(string? folder, Action<string>? log = null, Action<string, Action<Stream>>? write = null)
{
    /// <summary>Environment variable that names the folder.</summary>
    internal const string Variable = "GENOSEQ_CACHE";

    /// <summary>Ends the files' names.</summary>
    internal const string Extension = ".gskernel";

    private const int DigestBytes = SHA256.HashSizeInBytes;
    private const int HeaderBytes = 8 + DigestBytes + sizeof(long) + DigestBytes;
    private static readonly byte[] s_magic = "GSKRNL01"u8.ToArray();
    private readonly Action<string, Action<Stream>> _write = write ?? ((path, content) => AtomicFile.Write(path, content));
    private readonly ConcurrentDictionary<string, Lock> _keys = new();
    private int _told;

    /// <summary>The folder, or null when nothing is kept.</summary>
    internal string? Folder => folder;

    /// <summary>The folder that the environment names: <c>GENOSEQ_CACHE</c>, else below <c>XDG_CACHE_HOME</c>, else below <c>~/.cache</c>; null without a home.</summary>
    internal static string? FolderFor(Func<string, string?> variable)
    {
        if (variable(Variable) is { Length: > 0 } named)
        {
            return Path.GetFullPath(named);
        }

        // The standard says that a relative XDG_CACHE_HOME is to be ignored.
        string? home = variable("XDG_CACHE_HOME") is { Length: > 0 } xdg && Path.IsPathRooted(xdg) ? xdg
            : variable("HOME") is { Length: > 0 } user ? Path.Combine(user, ".cache") : null;
        return home is null ? null : Path.Combine(home, "genoseq", "kernels");
    }

    /// <summary>The name of a binary: a digest of source, options, architecture and compiler.</summary>
    internal static string Key(CompileRequest request, string compiler)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // Lengths go first, so that no text can pass for the end of the one before it.
        Add(compiler);
        Add(request.Architecture);
        Add(request.Source);
        foreach (string option in request.Options)
        {
            Add(option);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Add(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            Span<byte> length = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }
    }

    /// <summary>The binary from the folder, or from the compiler, and then it is kept. Threads that ask for the same one compile it once.</summary>
    internal byte[] Get(CompileRequest request, IKernelCompiler compiler)
    {
        ArgumentNullException.ThrowIfNull(compiler);
        string key = Key(request, compiler.Identity);
        lock (_keys.GetOrAdd(key, _ => new Lock()))
        {
            string? path = folder is null ? null : Path.Combine(folder, key + Extension);
            if (path is not null && Read(path, key) is { } kept)
            {
                return kept;
            }

            byte[] binary = compiler.Compile(request);
            if (path is not null)
            {
                Keep(path, key, binary);
            }

            return binary;
        }
    }

    // Null where there is no file, or not this one whole: it is compiled again and replaced.
    private static byte[]? Read(string path, string key)
    {
        try
        {
            byte[] file = File.ReadAllBytes(path);
            if (file.Length <= HeaderBytes || !file.AsSpan(0, 8).SequenceEqual(s_magic)
                || !file.AsSpan(8, DigestBytes).SequenceEqual(Convert.FromHexString(key))
                || BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(8 + DigestBytes)) != file.Length - HeaderBytes)
            {
                return null;
            }

            byte[] binary = file[HeaderBytes..];
            return SHA256.HashData(binary).AsSpan().SequenceEqual(file.AsSpan(HeaderBytes - DigestBytes, DigestBytes)) ? binary : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Keep(string path, string key, byte[] binary)
    {
        try
        {
            Directory.CreateDirectory(folder!);
            _write(path, stream =>
            {
                Span<byte> header = stackalloc byte[HeaderBytes];
                s_magic.CopyTo(header);
                Convert.FromHexString(key).CopyTo(header[8..]);
                BinaryPrimitives.WriteInt64LittleEndian(header[(8 + DigestBytes)..], binary.Length);
                SHA256.HashData(binary, header[^DigestBytes..]);
                stream.Write(header);
                stream.Write(binary);
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.SecurityException or NotSupportedException)
        {
            if (Interlocked.Exchange(ref _told, 1) == 0)
            {
                log?.Invoke($"compiled kernels are not kept, so every run compiles them: {e.Message} (another folder: {Variable}=DIR)");
            }
        }
    }
}
