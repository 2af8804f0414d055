using System.Text.Json;

namespace GenoSeq.Torch.Safetensors;

/// <summary>Reads the JSON of a safetensors header token by token. Each entry is checked by itself here; whether the
/// entries fit together is <see cref="SafetensorsHeader"/>'s matter.</summary>
internal ref struct SafetensorsHeaderParser
{
    private const string Metakey = "__metadata__";
    private const string Again = "to save the file again with a current safetensors library";

    // {name: {"shape": [n]}} is three deep; one more leaves room for fields of later versions.
    private const int MaxDepth = 4;

    private readonly ReadOnlySpan<byte> json;
    private readonly string path;
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private Utf8JsonReader reader;
    private string? tensor;

    public SafetensorsHeaderParser(ReadOnlySpan<byte> json, string path)
    {
        this.json = json;
        this.path = path;
        reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
    }

    /// <summary>The tensors, in the header's order.</summary>
    public List<SafetensorsEntry> Entries { get; } = [];

    /// <summary>What <c>__metadata__</c> holds.</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    public void Parse()
    {
        try
        {
            reader.Read();
            while (Next() == JsonTokenType.PropertyName)
            {
                var name = Text("a name");
                if (!names.Add(name))
                    throw Fail(name, "the header names it twice", "each name once", Again);
                if (name == Metakey)
                {
                    ReadMetadata();
                    continue;
                }

                tensor = name;
                Entries.Add(ReadEntry(name));
                tensor = null;
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // The reader reports an escape such as \ud800 without its second half as an invalid operation.
            throw new SafetensorsException(path, tensor,
                $"the header is not valid JSON (byte {SafetensorsHeader.PrefixLength + reader.BytesConsumed})",
                $"an object of tensors nested at most {MaxDepth} deep", "to download or save the file again", error);
        }

        var rest = json[(int)reader.BytesConsumed..];
        var garbage = rest.IndexOfAnyExcept((byte)' ');
        if (garbage >= 0)
        {
            throw Fail(null, $"byte 0x{rest[garbage]:X2} follows the header's JSON", "nothing but spaces", Again);
        }
    }

    private SafetensorsEntry ReadEntry(string name)
    {
        if (Next() != JsonTokenType.StartObject)
            throw Fail(name, "its description is not an object", "{\"dtype\", \"shape\", \"data_offsets\"}", Again);

        SafetensorsDType? dtype = null;
        long[]? shape = null;
        long[]? offsets = null;
        while (Next() == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("dtype"u8))
            {
                RefuseRepeat(dtype is not null, "dtype");
                dtype = ReadDType(name);
            }
            else if (reader.ValueTextEquals("shape"u8))
            {
                RefuseRepeat(shape is not null, "shape");
                shape = ReadIntegers("shape");
            }
            else if (reader.ValueTextEquals("data_offsets"u8))
            {
                RefuseRepeat(offsets is not null, "data_offsets");
                offsets = ReadIntegers("data_offsets");
            }
            else
            {
                // The format's reference implementation ignores fields that it does not know.
                reader.Skip();
            }
        }

        if (dtype is null || shape is null || offsets is null)
        {
            var missing = dtype is null ? "dtype" : shape is null ? "shape" : "data_offsets";
            throw Fail(name, $"its description has no {missing}", "dtype, shape and data_offsets", Again);
        }

        return Check(name, dtype.Value, shape, offsets);
    }

    private readonly SafetensorsEntry Check(string name, SafetensorsDType dtype, long[] shape, long[] offsets)
    {
        if (offsets.Length != 2)
            throw Fail(name, $"data_offsets has {offsets.Length} numbers", "two, begin and end", Again);
        if (offsets[0] > offsets[1])
            throw Fail(name, $"its data begins at {offsets[0]} and ends at {offsets[1]}", "begin before end", Again);

        var size = SafetensorsEntry.SizeOf(dtype, shape) ??
            throw Fail(name, $"its shape {Show(shape)} has more than 2^63 bytes", "a shape that fits in memory", Again);
        if (size != offsets[1] - offsets[0])
        {
            throw Fail(name, $"it has {offsets[1] - offsets[0]} bytes of data",
                $"{size} for shape {Show(shape)} of {dtype.FileName()}", Again);
        }

        return new SafetensorsEntry(name, dtype, shape, offsets[0], offsets[1]);
    }

    private SafetensorsDType ReadDType(string name)
    {
        Next();
        var text = Text("its dtype");
        return SafetensorsDTypes.TryParse(text, out var dtype) ? dtype
            : throw Fail(name, $"its dtype '{SafetensorsException.Printable(text)}' is not known",
                $"one of {SafetensorsDTypes.AllNames}", "to convert the tensor to F32 or BF16 and save it again");
    }

    private long[] ReadIntegers(string field)
    {
        if (Next() != JsonTokenType.StartArray)
            throw Fail(tensor, $"its {field} is not an array", "an array of integers", Again);

        var numbers = new List<long>();
        while (Next() != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var number) || number < 0)
            {
                var shown = SafetensorsException.Printable(System.Text.Encoding.UTF8.GetString(reader.ValueSpan));
                throw Fail(tensor, $"its {field} holds {(shown.Length == 0 ? "a nested value" : $"'{shown}'")}",
                    "integers from 0 to 2^63 - 1", Again);
            }

            numbers.Add(number);
        }

        return [.. numbers];
    }

    private void ReadMetadata()
    {
        if (Next() != JsonTokenType.StartObject)
            throw Fail(null, "__metadata__ is not an object", "an object of strings", Again);

        while (Next() == JsonTokenType.PropertyName)
        {
            var key = Text("a key of __metadata__");
            Next();
            if (!Metadata.TryAdd(key, Text($"__metadata__ '{SafetensorsException.Printable(key)}'")))
            {
                throw Fail(null, $"__metadata__ has '{SafetensorsException.Printable(key)}' twice", "each key once", Again);
            }
        }
    }

    private string Text(string what)
    {
        if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName))
            throw Fail(tensor, $"{what} is not a string", "a string", Again);
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // An escape such as \ud800 without its second half.
            throw Fail(tensor, $"{what} is not valid Unicode", "a string of whole characters", Again);
        }
    }

    private JsonTokenType Next() => reader.Read() ? reader.TokenType
        : throw Fail(tensor, "the header's JSON ends too early", "a complete object", "to download or save the file again");

    private readonly void RefuseRepeat(bool repeated, string field)
    {
        if (repeated) throw Fail(tensor, $"its description has {field} twice", "each field once", Again);
    }

    private static string Show(long[] shape) =>
        $"[{string.Join(", ", shape.Take(16))}{(shape.Length > 16 ? ", ..." : "")}]";

    private readonly SafetensorsException Fail(string? name, string problem, string expected, string advice) =>
        new(path, name, problem, expected, advice);
}
