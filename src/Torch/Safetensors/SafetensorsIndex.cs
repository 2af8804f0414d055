using System.Text.Json;

namespace GenoSeq.Torch.Safetensors;

/// <summary>The index of a checkpoint in several files, <c>model.safetensors.index.json</c> as Hugging Face's libraries
/// write it: which shard holds which tensor.</summary>
public sealed class SafetensorsIndex
{
    /// <summary>Ends the name of every index.</summary>
    public const string Suffix = ".safetensors.index.json";

    private const string Again = "to download or save the checkpoint again";
    private const long MaxLength = SafetensorsHeader.MaxLength;

    private SafetensorsIndex(string path) => Path = path;

    /// <summary>The index file.</summary>
    public string Path { get; }

    /// <summary>Bytes of all tensors together, as the index claims; null when it claims nothing.</summary>
    public long? TotalSize { get; private set; }

    /// <summary>Name of the shard, a file beside the index, by name of the tensor.</summary>
    public IReadOnlyDictionary<string, string> WeightMap { get; private set; } = new Dictionary<string, string>();

    /// <summary>The shards' names in ordinal order, each once.</summary>
    public IReadOnlyList<string> Shards { get; private set; } = [];

    /// <summary>Reads an index. The shards themselves are not touched.</summary>
    /// <exception cref="SafetensorsException">The file is not an index, or a shard's name leaves its folder.</exception>
    public static SafetensorsIndex Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var length = new FileInfo(path).Length;
        if (length > MaxLength)
            throw new SafetensorsException(path, null, $"the index has {length} bytes", $"at most {MaxLength}", Again);

        var index = new SafetensorsIndex(path);
        try
        {
            index.Parse(File.ReadAllBytes(path));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new SafetensorsException(path, null, "the index is not valid JSON",
                "an object with metadata and weight_map", Again, error);
        }

        return index;
    }

    private void Parse(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        Dictionary<string, string>? map = null;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw Fail("it is not a JSON object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("weight_map"u8))
            {
                if (map is not null) throw Fail("it has weight_map twice");
                map = ReadMap(ref reader);
            }
            else if (reader.ValueTextEquals("metadata"u8))
            {
                ReadTotalSize(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        // Anything but white space after the object is an error of the reader's own.
        reader.Read();
        WeightMap = map ?? throw Fail("it has no weight_map");
        Shards = [.. map.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    private Dictionary<string, string> ReadMap(ref Utf8JsonReader reader)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw Fail("weight_map is not an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var tensor = reader.GetString()!;
            if (!reader.Read() || reader.TokenType != JsonTokenType.String)
                throw Fail("its shard is not a string", tensor);
            var shard = reader.GetString()!;
            if (!IsPlainName(shard))
            {
                throw new SafetensorsException(Path, tensor,
                    $"its shard '{SafetensorsException.Printable(shard)}' is not a plain file name",
                    "the name of a file beside the index, without folders", "an index from a trustworthy source");
            }

            if (!map.TryAdd(tensor, shard))
                throw Fail($"the index lists it twice, in '{map[tensor]}' and '{shard}'", tensor);
        }

        return map;
    }

    private void ReadTotalSize(ref Utf8JsonReader reader)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw Fail("metadata is not an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!reader.ValueTextEquals("total_size"u8))
            {
                reader.Skip();
                continue;
            }

            // Some writers compute the sum in floating point, and then write 1024.0.
            if (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetDouble(out var size) ||
                !(size >= 0 && size < long.MaxValue))
            {
                throw Fail("metadata.total_size is not a number of bytes");
            }

            TotalSize = reader.TryGetInt64(out var exact) ? exact : (long)size;
        }
    }

    /// <summary>A name that stays in its folder on every system.</summary>
    private static bool IsPlainName(string name) =>
        name.Length is > 0 and < 256 && name is not ("." or "..") && name.AsSpan().IndexOfAny("/\\:\0") < 0;

    private SafetensorsException Fail(string problem, string? tensor = null) => new(Path, tensor, problem,
        "an index as Hugging Face's libraries write it: {\"metadata\": {\"total_size\"}, \"weight_map\": {tensor: shard}}", Again);
}
