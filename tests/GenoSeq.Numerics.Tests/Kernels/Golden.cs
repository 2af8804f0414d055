using System.Buffers.Binary;
using System.Text.Json;

namespace GenoSeq.Numerics.Tests.Kernels;

/// <summary>Reads fp32 tensors of golden safetensors files.</summary>
internal static class Golden
{
    public static Dictionary<string, (int[] Shape, double[] Values)> Read(string name)
    {
        byte[] bytes = File.ReadAllBytes(Repository.SharedPath("golden", name));
        int header = checked((int)BinaryPrimitives.ReadInt64LittleEndian(bytes));
        using JsonDocument json = JsonDocument.Parse(bytes.AsMemory(8, header));
        var tensors = new Dictionary<string, (int[], double[])>();
        foreach (JsonProperty tensor in json.RootElement.EnumerateObject().Where(t => t.Name != "__metadata__"))
        {
            Assert.Equal("F32", tensor.Value.GetProperty("dtype").GetString());
            int[] shape = [.. tensor.Value.GetProperty("shape").EnumerateArray().Select(v => v.GetInt32())];
            int start = 8 + header + tensor.Value.GetProperty("data_offsets")[0].GetInt32();
            var values = new double[shape.Aggregate(1, (a, b) => a * b)];
            for (int i = 0; i < values.Length; i++) values[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(start + (4 * i)));
            tensors.Add(tensor.Name, (shape, values));
        }

        return tensors;
    }
}
