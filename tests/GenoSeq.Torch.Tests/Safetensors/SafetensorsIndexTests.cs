using GenoSeq.Torch.Safetensors;
using GenoSeq.Torch.Tests.IO;

namespace GenoSeq.Torch.Tests.Safetensors;

public class SafetensorsIndexTests
{
    [Fact]
    public void Read_UsualIndex_GivesSizeMapAndShards()
    {
        var index = Read("""
            {
              "metadata": { "total_parameters": 3, "total_size": 12, "more": {"a": [1]} },
              "other": [1, {"x": 2}],
              "weight_map": { "b": "m-2.safetensors", "a": "m-1.safetensors", "c": "m-2.safetensors" }
            }
            """);
        Assert.Equal(12, index.TotalSize);
        Assert.Equal(["m-1.safetensors", "m-2.safetensors"], index.Shards);
        Assert.Equal("m-2.safetensors", index.WeightMap["c"]);
    }

    [Fact]
    public void Read_NoMetadata_HasNoSize() => Assert.Null(Read("""{"weight_map":{}}""").TotalSize);

    [Fact]
    public void Read_SizeInFloatingPoint_IsRead() =>
        Assert.Equal(1024, Read("""{"metadata":{"total_size":1024.0},"weight_map":{}}""").TotalSize);

    [Theory]
    [InlineData("../m.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData("sub/m.safetensors")]
    [InlineData("sub\\\\m.safetensors")]
    [InlineData("C:m.safetensors")]
    [InlineData("m\\u0000.safetensors")]
    public void Read_ShardOutsideTheFolder_IsRefused(string shard)
    {
        var error = Refused($$"""{"weight_map":{"x":"{{shard}}"} }""");
        Assert.Contains("not a plain file name", error.Message, StringComparison.Ordinal);
        Assert.Equal("x", error.Tensor);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"weight_map\":[]}")]
    [InlineData("{\"weight_map\":{\"x\":1}}")]
    [InlineData("{\"weight_map\":{}} x")]
    [InlineData("{\"weight_map\":{},\"weight_map\":{}}")]
    [InlineData("{\"weight_map\":{\"\\ud800\":\"a\"}}")]
    [InlineData("{\"weight_map\":{")]
    [InlineData("{\"metadata\":1,\"weight_map\":{}}")]
    [InlineData("{\"metadata\":{\"total_size\":-1},\"weight_map\":{}}")]
    [InlineData("{\"metadata\":{\"total_size\":\"1\"},\"weight_map\":{}}")]
    [InlineData("{\"metadata\":{\"total_size\":1e300},\"weight_map\":{}}")]
    public void Read_NotAnIndex_IsRefused(string json) => Refused(json);

    [Fact]
    public void Read_TensorListedTwice_NamesBothShards()
    {
        var error = Refused("""{"weight_map":{"x":"a.safetensors","x":"b.safetensors"}}""");
        Assert.Contains("in 'a.safetensors' and 'b.safetensors'", error.Message, StringComparison.Ordinal);
    }

    private static SafetensorsIndex Read(string json)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("i.json"), json);
        return SafetensorsIndex.Read(folder.File("i.json"));
    }

    private static SafetensorsException Refused(string json) => Assert.Throws<SafetensorsException>(() => Read(json));
}
