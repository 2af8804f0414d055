using System.Text;
using GenoSeq.Torch.Safetensors;
using GenoSeq.Torch.Tests.IO;

namespace GenoSeq.Torch.Tests.Safetensors;

public class SafetensorsWriterTests
{
    [Fact]
    public void Write_AnyOrderGiven_GivesEqualBytesInDocumentedOrder()
    {
        SafetensorsSource[] tensors =
        [
            SafetensorsSource.FromArray("b", [1], new byte[] { 1 }),
            SafetensorsSource.FromArray("z", [1], new[] { 2L }),
            SafetensorsSource.FromArray("a", [1], new[] { 3f }),
            SafetensorsSource.FromArray("B", [1], new[] { 4f }),
        ];
        var metadata = new Dictionary<string, string> { ["b"] = "2", ["a"] = "1" };
        var bytes = Written(tensors, metadata);
        Assert.Equal(bytes, Written(tensors.Reverse(), new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" }));

        var header = """{"__metadata__":{"a":"1","b":"2"},"z":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"B":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},"a":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},"b":{"dtype":"U8","shape":[1],"data_offsets":[16,17]}}""";
        byte[] data = [.. BitConverter.GetBytes(2L), .. BitConverter.GetBytes(4f), .. BitConverter.GetBytes(3f), 1];
        Assert.Equal(SafetensorsBytes.File(SafetensorsBytes.Pad(header), data), bytes);
    }

    [Fact]
    public void Write_DuplicateName_IsRefused()
    {
        var error = Assert.Throws<SafetensorsException>(() => Written(
            [SafetensorsSource.FromArray("x", [1], new[] { 1 }), SafetensorsSource.FromArray("x", [1], new[] { 1L })]));
        Assert.Equal("x", error.Tensor);
    }

    [Theory]
    [InlineData(7, "only 7 bytes were written")]
    [InlineData(9, "at least 9 bytes were written")]
    public void WriteFile_CallbackWritesWrongCount_IsRefusedAndOldFileStays(int count, string words)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a"), "old");
        var tensor = new SafetensorsSource("x", SafetensorsDType.F32, [2], stream => stream.Write(new byte[count]));
        var error = Assert.Throws<SafetensorsException>(() => SafetensorsWriter.WriteFile(folder.File("a"), [tensor]));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(folder.File("a")));
        Assert.Equal(["a"], folder.Names);
    }

    [Fact]
    public void Write_TensorsAreAskedOneAfterTheOther_InFileOrder()
    {
        var asked = new List<string>();
        var tensors = new[] { "c", "a", "b" }.Select(name => new SafetensorsSource(name, SafetensorsDType.U8, [1], stream =>
        {
            asked.Add(name);
            stream.WriteByte(0);
        })).ToArray();
        Assert.Empty(asked);
        Written(tensors);
        Assert.Equal(["a", "b", "c"], asked);
    }

    [Fact]
    public void Source_BadShapeOrName_IsRefused()
    {
        Assert.Throws<SafetensorsException>(() => SafetensorsSource.FromArray("x", [-1], Array.Empty<float>()));
        Assert.Throws<SafetensorsException>(() => SafetensorsSource.FromArray("x", [long.MaxValue, 2], Array.Empty<byte>()));
        Assert.Throws<SafetensorsException>(() => SafetensorsSource.FromArray("__metadata__", [1], new byte[1]));
        Assert.Throws<SafetensorsException>(() => SafetensorsSource.FromArray("half \ud800", [1], new byte[1]));
        Assert.Throws<SafetensorsException>(() => SafetensorsSource.FromArray("x", [1], new[] { 'c' }));
    }

    [Fact]
    public void Write_HeaderIsPaddedToEightBytes()
    {
        for (var length = 1; length <= 16; length++)
        {
            var bytes = Written([SafetensorsSource.FromArray(new string('n', length), [1], new byte[] { 9 })]);
            Assert.Equal(0, BitConverter.ToInt64(bytes) % 8);
            Assert.EndsWith("}", Encoding.UTF8.GetString(bytes[8..^1]).TrimEnd(' '), StringComparison.Ordinal);
        }
    }

    [SmallDiskFact]
    public void WriteFile_FullDisk_NamesTheWholeFilesBytes()
    {
        using var disk = SmallDisk.TryMount()!;
        var path = Path.Combine(disk.Path, "model.safetensors");
        var error = Assert.Throws<IOException>(() => SafetensorsWriter.WriteFile(
            path, [SafetensorsSource.FromArray("x", [1 << 20], new float[1 << 20])]));
        Assert.Contains($"disk is full: {(4 << 20) + 80} bytes were wanted", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(disk.Path));
    }

    private static byte[] Written(
        IEnumerable<SafetensorsSource> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, tensors, metadata);
        return stream.ToArray();
    }
}
