using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace GenoSeq.Inference.Output.AnnData;

/// <summary>Arrays cut into chunks along their rows, each chunk a file; what differs between versions are names and descriptions.</summary>
internal abstract class ZarrStore(string folder, bool compress) : AnnDataStore
{
    private const long ChunkBytes = 4 << 20;
    private const int TextRows = 1 << 16;

    /// <summary>Whether chunks are compressed with gzip.</summary>
    protected bool Compressed => compress;

    internal override void Matrix(string path, long rows, int width, Stream values, params Attribute[] attributes)
    {
        int chunk = (int)Math.Clamp(ChunkBytes / (4L * width), 1, Math.Max(1, rows));
        DescribeArray(path, [rows, width], [chunk, width], ZarrType.Float, 0, attributes);
        var bytes = new byte[4 * chunk * width];
        for (long first = 0, index = 0; first < rows; first += chunk, index++)
        {
            // The last chunk is as long as the others.
            Array.Clear(bytes);
            values.ReadExactly(bytes.AsSpan(0, (int)(4 * Math.Min(chunk, rows - first) * width)));
            WriteChunk(path, [index, 0], bytes);
        }
    }

    internal override void Integers(string path, long count, IEnumerable<long> values, params Attribute[] attributes)
    {
        int chunk = (int)Math.Clamp(count, 1, ChunkBytes / 8);
        DescribeArray(path, [count], [chunk], ZarrType.Int64, 0, attributes);
        long index = 0;
        foreach (long[] some in values.Chunk(chunk))
        {
            var whole = new long[chunk];
            some.CopyTo(whole, 0);
            WriteChunk(path, [index++], MemoryMarshal.AsBytes(whole.AsSpan()));
        }
    }

    internal override void Texts(string path, long count, IEnumerable<string> values, params Attribute[] attributes)
    {
        int chunk = (int)Math.Clamp(count, 1, TextRows);
        DescribeArray(path, [count], [chunk], ZarrType.Text, 0, attributes);
        long index = 0;
        foreach (string[] some in values.Chunk(chunk))
        {
            WriteChunk(path, [index++], VariableLength(some, chunk));
        }
    }

    internal override void Text(string path, string value, params Attribute[] attributes) => WriteScalar(path, value, attributes);

    /// <summary>Writes an array's description.</summary>
    protected abstract void DescribeArray(string path, long[] shape, int[] chunk, ZarrType type, int textLength, Attribute[] attributes);

    /// <summary>Writes a text without dimensions.</summary>
    protected abstract void WriteScalar(string path, string value, Attribute[] attributes);

    /// <summary>A chunk's file below its array's folder.</summary>
    protected abstract string ChunkName(long[] index);

    /// <summary>Number of elements, then each one's length and UTF-8 bytes.</summary>
    protected static byte[] VariableLength(IReadOnlyList<string> texts, int count)
    {
        using var bytes = new MemoryStream();
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(number, count);
        bytes.Write(number);
        for (int i = 0; i < count; i++)
        {
            byte[] text = i < texts.Count ? Encoding.UTF8.GetBytes(texts[i]) : [];
            BinaryPrimitives.WriteInt32LittleEndian(number, text.Length);
            bytes.Write(number);
            bytes.Write(text);
        }

        return bytes.ToArray();
    }

    /// <summary>Writes a chunk, compressed where that is wanted.</summary>
    protected void WriteChunk(string path, long[] index, ReadOnlySpan<byte> bytes)
    {
        string file = Full($"{path}/{ChunkName(index)}");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        using FileStream stream = File.Create(file);
        if (!compress)
        {
            stream.Write(bytes);
            return;
        }

        using var gzip = new GZipStream(stream, CompressionLevel.Fastest);
        gzip.Write(bytes);
    }

    /// <summary>Writes a JSON object.</summary>
    protected void WriteJson(string path, Action<Utf8JsonWriter> fields)
    {
        string file = Full(path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        using FileStream stream = File.Create(file);
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        fields(json);
        json.WriteEndObject();
    }

    /// <summary>Writes attributes as fields of the current object.</summary>
    protected static void WriteAttributes(Utf8JsonWriter json, Attribute[] attributes)
    {
        foreach (Attribute a in attributes)
        {
            if (a.Texts is null)
            {
                json.WriteString(a.Name, a.Text);
                continue;
            }

            json.WriteStartArray(a.Name);
            foreach (string text in a.Texts)
            {
                json.WriteStringValue(text);
            }

            json.WriteEndArray();
        }
    }

    /// <summary>Writes a list of numbers.</summary>
    protected static void WriteNumbers(Utf8JsonWriter json, string name, IEnumerable<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (long n in numbers)
        {
            json.WriteNumberValue(n);
        }

        json.WriteEndArray();
    }

    /// <summary>A chunk's indices, joined.</summary>
    protected static string Joined(long[] index, char separator) => string.Join(separator, index.Select(i => i.ToString(CultureInfo.InvariantCulture)));

    private string Full(string path) => Path.Combine(folder, path.TrimStart('/'));
}

/// <summary>Element types of zarr arrays.</summary>
internal enum ZarrType
{
    Float,
    Int64,
    Text,
    FixedText,
}
