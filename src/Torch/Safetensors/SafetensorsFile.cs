using System.Diagnostics.CodeAnalysis;
using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;

namespace GenoSeq.Torch.Safetensors;

/// <summary>A safetensors file, mapped into memory and read-only: opening costs the header alone, data is paged in when
/// touched, and files beyond 2 GiB are fine. Every header is checked whole before any data is handed out.
/// Pointers and spans are valid until <see cref="Dispose"/>. Numbers are little-endian, as on every machine that .NET
/// runs on. A file that another process truncates while it is mapped ends the program: replace files by renaming, as
/// <see cref="IO.AtomicFile"/> does.</summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly MemoryMappedFile mapping;
    private readonly MemoryMappedViewAccessor view;
    private readonly Dictionary<string, SafetensorsEntry> byName;
    private byte* data;

    private SafetensorsFile(string path, MemoryMappedFile mapping, MemoryMappedViewAccessor view, long length)
    {
        Path = path;
        this.mapping = mapping;
        this.view = view;
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            var prefix = new ReadOnlySpan<byte>(start, (int)Math.Min(length, SafetensorsHeader.PrefixLength));
            var headerLength = SafetensorsHeader.ReadLength(prefix, length, path);
            var json = new ReadOnlySpan<byte>(start + SafetensorsHeader.PrefixLength, headerLength);
            var header = SafetensorsHeader.Parse(json, length - SafetensorsHeader.PrefixLength - headerLength, path);
            Entries = header.Entries;
            Metadata = header.Metadata;
            data = start + header.DataStart;
        }
        catch
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            throw;
        }

        byName = new Dictionary<string, SafetensorsEntry>(Entries.Count, StringComparer.Ordinal);
        foreach (var entry in Entries) byName.Add(entry.Name, entry);
    }

    /// <summary>The file, as given to <see cref="Open"/>.</summary>
    public string Path { get; }

    /// <summary>All tensors, in the order of their data.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>The file's free-form strings, such as <c>format</c> = <c>pt</c>; empty when it has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>The tensor with a name.</summary>
    /// <exception cref="SafetensorsException">The file has no such tensor.</exception>
    public SafetensorsEntry this[string name] => byName.TryGetValue(name, out var entry) ? entry
        : throw new SafetensorsException(Path, name, $"the file has no such tensor among its {Entries.Count}",
            NearestName.Describe(name, byName.Keys), "another name, or the checkpoint that fits the model");

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="SafetensorsException">The file breaks the format.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static SafetensorsFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
        {
            throw new SafetensorsException(path, null, "it is a folder", "a .safetensors file",
                $"{nameof(SafetensorsCheckpoint)}, which opens folders");
        }

        using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return Map(path, handle, RandomAccess.GetLength(handle));
    }

    /// <summary>Whether the file has a tensor with this name.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out SafetensorsEntry? entry) =>
        byName.TryGetValue(name, out entry);

    /// <summary>First byte of a tensor's data, of which there are <see cref="SafetensorsEntry.ByteLength"/>. It may be
    /// misaligned for the element type: files of other writers need not align their tensors.</summary>
    public byte* Pointer(string name) => Pointer(this[name]);

    /// <inheritdoc cref="Pointer(string)"/>
    public byte* Pointer(SafetensorsEntry entry)
    {
        ObjectDisposedException.ThrowIf(data == null, this);
        if (!byName.TryGetValue(entry.Name, out var own) || !ReferenceEquals(own, entry))
            throw new ArgumentException($"{Path}: the entry '{entry.Name}' belongs to another file", nameof(entry));
        return data + entry.Begin;
    }

    /// <summary>A tensor's data.</summary>
    /// <exception cref="SafetensorsException">The tensor has 2 GiB or more: use <see cref="Pointer(string)"/>.</exception>
    public ReadOnlySpan<byte> Bytes(string name)
    {
        var entry = this[name];
        if (entry.ByteLength > int.MaxValue)
        {
            throw new SafetensorsException(Path, name, $"its {entry.ByteLength} bytes do not fit in a span",
                $"at most {int.MaxValue}", $"{nameof(Pointer)} or {nameof(CopyTo)}");
        }

        return new ReadOnlySpan<byte>(Pointer(entry), (int)entry.ByteLength);
    }

    /// <summary>Whether a tensor's data lies at a multiple of its element size, as vector code and some devices ask.</summary>
    public bool IsAligned(string name)
    {
        var entry = this[name];
        return (nuint)Pointer(entry) % (nuint)entry.DType.ItemSize() == 0;
    }

    /// <summary>Copies a tensor's data to memory of the caller, aligned or not, of any length.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="destination">Memory for the data.</param>
    /// <param name="destinationLength">Bytes there; must be the tensor's.</param>
    public void CopyTo(string name, byte* destination, long destinationLength)
    {
        var entry = this[name];
        if (destinationLength != entry.ByteLength)
        {
            throw new SafetensorsException(Path, name, $"the destination has {destinationLength} bytes",
                $"{entry.ByteLength}", "a destination of the tensor's shape and dtype");
        }

        Buffer.MemoryCopy(Pointer(entry), destination, destinationLength, destinationLength);
    }

    /// <summary>A tensor's elements as a new array, row-major; the copy is aligned even where the file is not.</summary>
    /// <exception cref="SafetensorsException">The tensor has another type than <typeparamref name="T"/>.</exception>
    public T[] ToArray<T>(string name)
        where T : unmanaged
    {
        var entry = this[name];
        if (SafetensorsDTypes.Of<T>() != entry.DType)
        {
            throw new SafetensorsException(Path, name, $"it is {entry.DType.FileName()} and was read as {typeof(T).Name}",
                "the tensor's own type", $"{nameof(Bytes)} for types that C# lacks");
        }

        var elements = new T[entry.ElementCount];
        fixed (T* destination = elements)
        {
            CopyTo(name, (byte*)destination, (long)elements.Length * Unsafe.SizeOf<T>());
        }

        return elements;
    }

    /// <summary>Unmaps the file; all pointers and spans into it become invalid.</summary>
    public void Dispose()
    {
        if (data == null) return;
        data = null;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        mapping.Dispose();
    }

    private static SafetensorsFile Map(string path, SafeFileHandle handle, long length)
    {
        // Shorter than its prefix, so certainly wrong; and an empty file cannot be mapped at all.
        if (length < SafetensorsHeader.PrefixLength)
            SafetensorsHeader.ReadLength(default, length, path);

        MemoryMappedFile? mapping = null;
        MemoryMappedViewAccessor? view = null;
        try
        {
            mapping = MemoryMappedFile.CreateFromFile(
                handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            view = mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            return new SafetensorsFile(path, mapping, view, length);
        }
        catch
        {
            view?.Dispose();
            mapping?.Dispose();
            throw;
        }
    }
}
