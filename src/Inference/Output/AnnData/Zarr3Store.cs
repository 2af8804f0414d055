using System.Text.Json;

namespace GenoSeq.Inference.Output.AnnData;

/// <summary>zarr version 3: one <c>zarr.json</c> a node; text by the codec vlen-utf8.</summary>
internal sealed class Zarr3Store(string folder, bool compress) : ZarrStore(folder, compress)
{
    internal override void Group(string path, params Attribute[] attributes) => WriteJson($"{path}/zarr.json", json =>
    {
        Node(json, "group", attributes);
    });

    protected override void DescribeArray(string path, long[] shape, int[] chunk, ZarrType type, int textLength, Attribute[] attributes) =>
        WriteJson($"{path}/zarr.json", json =>
        {
            Node(json, "array", attributes);
            WriteNumbers(json, "shape", shape);
            json.WriteString("data_type", type switch { ZarrType.Float => "float32", ZarrType.Int64 => "int64", _ => "string" });
            Named(json, "chunk_grid", "regular", () => WriteNumbers(json, "chunk_shape", chunk.Select(c => (long)c)));
            Named(json, "chunk_key_encoding", "default", () => json.WriteString("separator", "/"));
            if (type == ZarrType.Text)
            {
                json.WriteString("fill_value", "");
            }
            else
            {
                json.WriteNumber("fill_value", 0);
            }

            json.WriteStartArray("codecs");
            if (type == ZarrType.Text)
            {
                Named(json, null, "vlen-utf8", null);
            }
            else
            {
                Named(json, null, "bytes", () => json.WriteString("endian", "little"));
            }

            if (Compressed)
            {
                Named(json, null, "gzip", () => json.WriteNumber("level", 1));
            }

            json.WriteEndArray();
        });

    protected override void WriteScalar(string path, string value, Attribute[] attributes)
    {
        DescribeArray(path, [], [], ZarrType.Text, 0, attributes);
        WriteChunk(path, [], VariableLength([value], 1));
    }

    protected override string ChunkName(long[] index) => index.Length == 0 ? "c" : "c/" + Joined(index, '/');

    private static void Node(Utf8JsonWriter json, string type, Attribute[] attributes)
    {
        json.WriteNumber("zarr_format", 3);
        json.WriteString("node_type", type);
        json.WriteStartObject("attributes");
        WriteAttributes(json, attributes);
        json.WriteEndObject();
    }

    private static void Named(Utf8JsonWriter json, string? property, string name, Action? configuration)
    {
        if (property is null)
        {
            json.WriteStartObject();
        }
        else
        {
            json.WriteStartObject(property);
        }

        json.WriteString("name", name);
        if (configuration is not null)
        {
            json.WriteStartObject("configuration");
            configuration();
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
