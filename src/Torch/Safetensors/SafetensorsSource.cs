using System.Runtime.InteropServices;

namespace GenoSeq.Torch.Safetensors;

/// <summary>One tensor to be written: its description, and how to get its bytes when their turn comes. Nothing is read
/// before, so a checkpoint larger than memory can be written tensor by tensor.</summary>
public sealed class SafetensorsSource
{
    private readonly Action<Stream> write;

    /// <summary>A tensor whose bytes a callback writes.</summary>
    /// <param name="name">Name of the tensor; any Unicode text but <c>__metadata__</c>.</param>
    /// <param name="dtype">Element type.</param>
    /// <param name="shape">Sizes of the dimensions; empty for a scalar.</param>
    /// <param name="write">Writes exactly the tensor's bytes, row-major and little-endian.</param>
    /// <exception cref="SafetensorsException">The name or the shape cannot be stored.</exception>
    public SafetensorsSource(string name, SafetensorsDType dtype, long[] shape, Action<Stream> write)
    {
        ByteLength = SafetensorsEntry.SizeOf(dtype, shape) ?? throw new SafetensorsException("new tensor", name,
            $"its shape [{string.Join(", ", shape)}] is negative or has more than 2^63 bytes",
            "sizes from 0 whose product fits in memory", "the shape of the tensor itself");
        if (name == "__metadata__" || !IsWholeText(name))
        {
            throw new SafetensorsException("new tensor", name, "the name cannot be stored",
                "Unicode text other than __metadata__", "another name");
        }

        Name = name;
        DType = dtype;
        Shape = [.. shape];
        this.write = write;
    }

    /// <summary>Name of the tensor.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public SafetensorsDType DType { get; }

    /// <summary>Sizes of the dimensions.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Bytes of data.</summary>
    public long ByteLength { get; }

    /// <summary>A tensor whose bytes lie in memory.</summary>
    public static SafetensorsSource FromBytes(
        string name, SafetensorsDType dtype, long[] shape, ReadOnlyMemory<byte> bytes) =>
        new(name, dtype, shape, stream => stream.Write(bytes.Span));

    /// <summary>A tensor whose elements lie in an array, row-major; the dtype is the array's.</summary>
    public static SafetensorsSource FromArray<T>(string name, long[] shape, T[] elements)
        where T : unmanaged
    {
        var dtype = SafetensorsDTypes.Of<T>() ?? throw new SafetensorsException("new tensor", name,
            $"{typeof(T).Name} is not an element type of the format", $"one of {SafetensorsDTypes.AllNames}",
            $"{nameof(FromBytes)} with the dtype named");
        return new(name, dtype, shape, stream => WriteElements<T>(stream, elements));
    }

    /// <summary>A contiguous tensor at an address, which must stay valid until it is written.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="dtype">Element type.</param>
    /// <param name="shape">Sizes of the dimensions.</param>
    /// <param name="address">First byte of the data, as many as shape and dtype make.</param>
    public static SafetensorsSource FromPointer(string name, SafetensorsDType dtype, long[] shape, nint address)
    {
        var length = SafetensorsEntry.SizeOf(dtype, shape) ?? 0;
        return new(name, dtype, shape, stream => WriteMemory(stream, address, length));
    }

    /// <summary>Writes the bytes, and refuses a callback that writes more or fewer than the shape makes.</summary>
    internal void WriteTo(Stream stream, string path)
    {
        using var exact = new ExactLengthStream(stream, ByteLength, path, Name);
        write(exact);
        exact.CheckComplete();
    }

    private static void WriteElements<T>(Stream stream, ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        // A span of bytes ends at 2 GiB even where the array does not.
        const int Chunk = 1 << 24;
        for (; elements.Length > Chunk; elements = elements[Chunk..])
            stream.Write(MemoryMarshal.AsBytes(elements[..Chunk]));
        stream.Write(MemoryMarshal.AsBytes(elements));
    }

    private static unsafe void WriteMemory(Stream stream, nint address, long length)
    {
        const int Chunk = 1 << 26;
        for (long done = 0; done < length; done += Chunk)
            stream.Write(new ReadOnlySpan<byte>((byte*)address + done, (int)Math.Min(Chunk, length - done)));
    }

    /// <summary>Whether UTF-8 can store the text: no half of a surrogate pair.</summary>
    private static bool IsWholeText(string name)
    {
        for (var i = 0; i < name.Length; i++)
        {
            if (!char.IsSurrogate(name[i])) continue;
            if (i + 1 == name.Length || !char.IsSurrogatePair(name[i], name[i + 1])) return false;
            i++;
        }

        return true;
    }
}
