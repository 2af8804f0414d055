using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using GenoSeq.Torch.IO;

namespace GenoSeq.Torch.Safetensors;

/// <summary>Writes safetensors files. Equal input gives equal bytes: tensors are laid out by element type, widest first
/// (U64, I64, F64, F32, U32, I32, BF16, F16, U16, I16, the 8-bit types), then by name (ordinal), whatever order they are
/// given in; metadata is sorted by key. With the header padded to 8 bytes this order aligns every tensor to its element
/// size, so readers can use the mapped file as it is; it is the format's reference implementation's order too, so equal
/// tensors give equal files there and here.</summary>
public static class SafetensorsWriter
{
    private const int Alignment = 8;

    /// <summary>Writes a file so that a reader finds either the old one or the whole new one (<see cref="AtomicFile"/>).</summary>
    /// <param name="path">The file; replaced when it exists.</param>
    /// <param name="tensors">The tensors, each asked for its bytes once.</param>
    /// <param name="metadata">Free-form strings for the header.</param>
    /// <exception cref="SafetensorsException">A name occurs twice, or a tensor wrote a wrong number of bytes.</exception>
    /// <exception cref="IOException">The file could not be written; the old one, if any, is unchanged.</exception>
    public static void WriteFile(
        string path, IEnumerable<SafetensorsSource> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var ordered = Order(tensors, path);
        var header = Header(ordered, metadata, path);
        long length = header.Length;
        foreach (var tensor in ordered) length += tensor.ByteLength;
        AtomicFile.Write(path, stream => Write(stream, ordered, header, path), length);
    }

    /// <summary>Writes a file's bytes to a stream, header first, then one tensor after the other.</summary>
    /// <param name="stream">Where to; need not be seekable, and is left open.</param>
    /// <param name="tensors">The tensors, each asked for its bytes once.</param>
    /// <param name="metadata">Free-form strings for the header.</param>
    /// <exception cref="SafetensorsException">A name occurs twice, or a tensor wrote a wrong number of bytes.</exception>
    public static void Write(
        Stream stream, IEnumerable<SafetensorsSource> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var path = stream is FileStream file ? file.Name : "stream";
        var ordered = Order(tensors, path);
        Write(stream, ordered, Header(ordered, metadata, path), path);
    }

    private static void Write(Stream stream, SafetensorsSource[] ordered, ReadOnlySpan<byte> header, string path)
    {
        stream.Write(header);
        foreach (var tensor in ordered) tensor.WriteTo(stream, path);
    }

    private static SafetensorsSource[] Order(IEnumerable<SafetensorsSource> tensors, string path)
    {
        SafetensorsSource[] ordered = [.. tensors];
        Array.Sort(ordered, static (a, b) =>
        {
            var order = b.DType.LayoutRank().CompareTo(a.DType.LayoutRank());
            return order != 0 ? order : string.CompareOrdinal(a.Name, b.Name);
        });
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tensor in ordered)
        {
            if (!names.Add(tensor.Name))
            {
                throw new SafetensorsException(path, tensor.Name, "two tensors have this name", "each name once",
                    "to save tied weights under one of their names");
            }
        }

        return ordered;
    }

    /// <summary>The header with its length before it and its padding after it.</summary>
    private static byte[] Header(SafetensorsSource[] ordered, IReadOnlyDictionary<string, string>? metadata, string path)
    {
        var buffer = new ArrayBufferWriter<byte>(SafetensorsHeader.PrefixLength + (128 * ordered.Length));
        buffer.Advance(Clear(buffer, SafetensorsHeader.PrefixLength));
        var options = new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(buffer, options))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 }) WriteMetadata(json, metadata);
            long begin = 0;
            foreach (var tensor in ordered)
            {
                var end = checked(begin + tensor.ByteLength);
                WriteEntry(json, tensor, begin, end);
                begin = end;
            }

            json.WriteEndObject();
        }

        var padding = -buffer.WrittenCount & (Alignment - 1);
        buffer.GetSpan(Alignment)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        var header = buffer.WrittenSpan.ToArray();
        var length = header.Length - SafetensorsHeader.PrefixLength;
        if (length > SafetensorsHeader.MaxLength)
        {
            throw new SafetensorsException(path, null, $"the header of {ordered.Length} tensors has {length} bytes",
                $"at most {SafetensorsHeader.MaxLength}", "to split the checkpoint into shards");
        }

        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)length);
        return header;
    }

    private static int Clear(ArrayBufferWriter<byte> buffer, int count)
    {
        buffer.GetSpan(count)[..count].Clear();
        return count;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string> metadata)
    {
        json.WriteStartObject("__metadata__"u8);
        foreach (var key in metadata.Keys.Order(StringComparer.Ordinal)) json.WriteString(key, metadata[key]);
        json.WriteEndObject();
    }

    private static void WriteEntry(Utf8JsonWriter json, SafetensorsSource tensor, long begin, long end)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype"u8, tensor.DType.FileName());
        json.WriteStartArray("shape"u8);
        foreach (var dimension in tensor.Shape) json.WriteNumberValue(dimension);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets"u8);
        json.WriteNumberValue(begin);
        json.WriteNumberValue(end);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
