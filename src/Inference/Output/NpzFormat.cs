using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using GenoSeq.Data;

namespace GenoSeq.Inference.Output;

/// <summary>
/// NumPy's archive: <c>embeddings</c> f4 [rows, width], <c>ids</c>, <c>contigs</c> and <c>strands</c> as text, <c>starts</c> and
/// <c>ends</c> i8, and <c>metadata</c>, a JSON object as one text. Loads without pickle.
/// </summary>
internal sealed class NpzFormat : EmbeddingFormat
{
    // Equal rows give equal files.
    private static readonly DateTimeOffset s_time = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override string Name => "npz";

    public override string Extension => ".npz";

    public override void Write(EmbeddingTable table, string path, EmbeddingFormatOptions options)
    {
        using AtomicOutput output = AtomicOutput.Create(path, new OutputOptions { Force = options.Force });
        CompressionLevel level = options.Compress ? CompressionLevel.Fastest : CompressionLevel.NoCompression;
        using (var archive = new ZipArchive(output.Stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Entry(archive, "embeddings", level, stream =>
            {
                using NpyWriter writer = NpyWriter.To(stream, NpyType.Float32, [table.Width], table.Rows);
                NpyFormat.Copy(table, writer);
                writer.Commit();
            });
            Texts(archive, "ids", level, table, p => p.Id);
            Texts(archive, "contigs", level, table, p => p.Contig);
            Numbers(archive, "starts", level, table, p => p.Start);
            Numbers(archive, "ends", level, table, p => p.End);
            Texts(archive, "strands", level, table, p => p.Strand.ToString());
            Entry(archive, "metadata", level, stream => WriteTexts(stream, "()", [Json(table.Metadata)], Json(table.Metadata).Length));
        }

        output.Commit();
    }

    private static string Json(IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach ((string key, string value) in metadata.OrderBy(p => p.Key, StringComparer.Ordinal))
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void Numbers(ZipArchive archive, string name, CompressionLevel level, EmbeddingTable table, Func<RowPlace, long> of) =>
        Entry(archive, name, level, stream =>
        {
            using NpyWriter writer = NpyWriter.To(stream, NpyType.Int64, [], table.Rows);
            foreach (RowPlace p in table.Places())
            {
                writer.Write<long>([of(p)]);
            }

            writer.Commit();
        });

    private static void Texts(ZipArchive archive, string name, CompressionLevel level, EmbeddingTable table, Func<RowPlace, string> of)
    {
        int longest = table.Places().Select(p => of(p).EnumerateRunes().Count()).DefaultIfEmpty(0).Max();
        Entry(archive, name, level, stream => WriteTexts(stream, string.Create(CultureInfo.InvariantCulture, $"({table.Rows},)"), table.Places().Select(of), longest));
    }

    // Fixed-width text of NumPy: each character 4 bytes, padded with zeros.
    private static void WriteTexts(Stream stream, string shape, IEnumerable<string> texts, int longest)
    {
        longest = Math.Max(1, longest);
        string dictionary = string.Create(CultureInfo.InvariantCulture, $"{{'descr': '<U{longest}', 'fortran_order': False, 'shape': {shape}, }}");
        int length = ((10 + dictionary.Length + 1 + 63) / 64 * 64) - 10;
        Span<byte> size = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(size, checked((ushort)length));
        stream.Write([0x93, .. "NUMPY"u8, 1, 0]);
        stream.Write(size);
        stream.Write(Encoding.ASCII.GetBytes(dictionary.PadRight(length - 1) + "\n"));
        var row = new int[longest];
        foreach (string text in texts)
        {
            Array.Clear(row);
            int i = 0;
            foreach (Rune rune in text.EnumerateRunes())
            {
                row[i++] = rune.Value;
            }

            stream.Write(MemoryMarshal.AsBytes(row.AsSpan()));
        }
    }

    private static void Entry(ZipArchive archive, string name, CompressionLevel level, Action<Stream> write)
    {
        ZipArchiveEntry entry = archive.CreateEntry(name + ".npy", level);
        entry.LastWriteTime = s_time;
        using Stream stream = entry.Open();
        using var buffered = new BufferedStream(stream, 1 << 16);
        write(buffered);
    }
}
