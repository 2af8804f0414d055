using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace GenoSeq.Inference.Output.AnnData;

/// <summary>zarr version 2: <c>.zgroup</c>, <c>.zarray</c> and <c>.zattrs</c>; variable-length text by the filter vlen-utf8.</summary>
internal sealed class Zarr2Store(string folder, bool compress) : ZarrStore(folder, compress)
{
    internal override void Group(string path, params Attribute[] attributes)
    {
        WriteJson($"{path}/.zgroup", json => json.WriteNumber("zarr_format", 2));
        WriteJson($"{path}/.zattrs", json => WriteAttributes(json, attributes));
    }

    protected override void DescribeArray(string path, long[] shape, int[] chunk, ZarrType type, int textLength, Attribute[] attributes)
    {
        WriteJson($"{path}/.zarray", json => Describe(json, shape, chunk, type, textLength));
        WriteJson($"{path}/.zattrs", json => WriteAttributes(json, attributes));
    }

    protected override void WriteScalar(string path, string value, Attribute[] attributes)
    {
        int[] runes = [.. value.EnumerateRunes().Select(r => r.Value)];
        DescribeArray(path, [], [], ZarrType.FixedText, Math.Max(1, runes.Length), attributes);
        WriteChunk(path, [0], runes.Length == 0 ? new byte[4] : MemoryMarshal.AsBytes(runes.AsSpan()));
    }

    protected override string ChunkName(long[] index) => Joined(index, '.');

    private void Describe(Utf8JsonWriter json, long[] shape, int[] chunk, ZarrType type, int textLength)
    {
        WriteNumbers(json, "chunks", chunk.Select(c => (long)c));
        if (Compressed)
        {
            json.WriteStartObject("compressor");
            json.WriteString("id", "gzip");
            json.WriteNumber("level", 1);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("compressor");
        }

        json.WriteString("dtype", type switch
        {
            ZarrType.Float => "<f4",
            ZarrType.Int64 => "<i8",
            ZarrType.Text => "|O",
            _ => string.Create(CultureInfo.InvariantCulture, $"<U{textLength}"),
        });
        if (type is ZarrType.Text or ZarrType.FixedText)
        {
            json.WriteString("fill_value", "");
        }
        else
        {
            json.WriteNumber("fill_value", 0);
        }

        if (type == ZarrType.Text)
        {
            json.WriteStartArray("filters");
            json.WriteStartObject();
            json.WriteString("id", "vlen-utf8");
            json.WriteEndObject();
            json.WriteEndArray();
        }
        else
        {
            json.WriteNull("filters");
        }

        json.WriteString("order", "C");
        WriteNumbers(json, "shape", shape);
        json.WriteNumber("zarr_format", 2);
    }
}
