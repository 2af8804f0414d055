using System.Buffers.Binary;
using System.Collections.ObjectModel;
using System.Text.Unicode;

namespace GenoSeq.Torch.Safetensors;

/// <summary>The checked header of a safetensors file.
/// Layout of the file: 8 bytes, the header's length as a little-endian integer; the header, a JSON object, padded with
/// spaces; the tensors' bytes, without gaps (https://github.com/huggingface/safetensors, section "Format").</summary>
internal sealed class SafetensorsHeader
{
    /// <summary>Bytes before the header: its length.</summary>
    public const int PrefixLength = 8;

    /// <summary>Longest header that the format's reference implementation accepts.</summary>
    public const long MaxLength = 100_000_000;

    private const string Again = "to download or save the file again";

    private SafetensorsHeader(SafetensorsEntry[] entries, ReadOnlyDictionary<string, string> metadata, long dataStart)
    {
        Entries = entries;
        Metadata = metadata;
        DataStart = dataStart;
    }

    /// <summary>All tensors in the order of their data.</summary>
    public SafetensorsEntry[] Entries { get; }

    /// <summary>The <c>__metadata__</c> of the file; empty when it has none.</summary>
    public ReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Offset in the file of the first tensor byte.</summary>
    public long DataStart { get; }

    /// <summary>Length of the header in bytes, from the first 8 bytes of a file, checked against the file's length.</summary>
    public static int ReadLength(ReadOnlySpan<byte> prefix, long fileLength, string path)
    {
        if (prefix.Length < PrefixLength)
        {
            throw new SafetensorsException(path, null, $"the file has {fileLength} bytes",
                "at least 8, the length of the header", Again);
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxLength)
        {
            throw new SafetensorsException(path, null, $"the header claims {length} bytes",
                $"at most {MaxLength}", "another file: this one is not safetensors, or damaged");
        }

        if ((long)length > fileLength - PrefixLength)
        {
            throw new SafetensorsException(path, null,
                $"the header claims {length} bytes, and the file has {fileLength - PrefixLength} after its first 8",
                "the whole header", Again);
        }

        return (int)length;
    }

    /// <summary>Parses and checks a header.</summary>
    /// <param name="json">The header's bytes, without the length before them.</param>
    /// <param name="dataLength">Bytes that follow the header in the file.</param>
    /// <param name="path">The file, for messages.</param>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataLength, string path)
    {
        if (json.IsEmpty || json[0] != (byte)'{')
        {
            throw new SafetensorsException(path, null, "the header is not a JSON object", "'{' as its first byte",
                "another file: this one is not safetensors, or damaged");
        }

        if (!Utf8.IsValid(json))
            throw new SafetensorsException(path, null, "the header is not UTF-8", "JSON in UTF-8", Again);

        var parser = new SafetensorsHeaderParser(json, path);
        parser.Parse();
        var entries = parser.Entries.ToArray();
        Array.Sort(entries, static (a, b) =>
        {
            var order = a.Begin.CompareTo(b.Begin);
            return order != 0 ? order : a.End.CompareTo(b.End);
        });
        CheckLayout(entries, dataLength, path);
        return new SafetensorsHeader(entries, new ReadOnlyDictionary<string, string>(parser.Metadata),
            PrefixLength + json.Length);
    }

    /// <summary>The tensors must cover the data exactly: no overlap, no hole, no rest.</summary>
    private static void CheckLayout(SafetensorsEntry[] entries, long dataLength, string path)
    {
        long expected = 0;
        foreach (var entry in entries)
        {
            if (entry.End > dataLength)
            {
                throw new SafetensorsException(path, entry.Name,
                    $"its data ends at byte {entry.End}, and the file holds {dataLength} bytes of data",
                    "all of the data", "to download or save the file again: it is truncated or damaged");
            }

            if (entry.Begin != expected)
            {
                var problem = entry.Begin < expected ? "overlaps the tensor before it" : "leaves a hole before it";
                throw new SafetensorsException(path, entry.Name, $"its data begins at byte {entry.Begin} and {problem}",
                    $"byte {expected}", Again);
            }

            expected = entry.End;
        }

        if (expected != dataLength)
        {
            throw new SafetensorsException(path, null, $"{dataLength - expected} bytes follow the last tensor",
                "the file to end with its last tensor", Again);
        }
    }
}
