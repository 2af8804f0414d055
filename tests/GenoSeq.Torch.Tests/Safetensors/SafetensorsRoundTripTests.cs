using System.Runtime.InteropServices;
using System.Text;
using GenoSeq.Torch.Safetensors;
using GenoSeq.Torch.Tests.IO;

namespace GenoSeq.Torch.Tests.Safetensors;

public class SafetensorsRoundTripTests
{
    public static TheoryData<SafetensorsDType> AllDTypes => [.. Enum.GetValues<SafetensorsDType>()];

    [Theory]
    [MemberData(nameof(AllDTypes))]
    public void WriteFile_EveryDType_ReadsBack(SafetensorsDType dtype)
    {
        using var folder = new TemporaryFolder();
        var bytes = new byte[6 * dtype.ItemSize()];
        new Random(1).NextBytes(bytes);
        SafetensorsWriter.WriteFile(folder.File("a"), [SafetensorsSource.FromBytes("x", dtype, [2, 3], bytes)]);
        using var file = SafetensorsFile.Open(folder.File("a"));
        var entry = Assert.Single(file.Entries);
        Assert.Equal(dtype, entry.DType);
        Assert.Equal([2, 3], entry.Shape);
        Assert.Equal(6, entry.ElementCount);
        Assert.Equal(bytes, file.Bytes("x"));
        Assert.Contains($"\"{dtype.FileName()}\"", File.ReadAllText(folder.File("a"), Encoding.Latin1), StringComparison.Ordinal);
    }

    [Fact]
    public void WriteFile_TypedArrays_ReadBack()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.WriteFile(folder.File("a"),
        [
            SafetensorsSource.FromArray("f32", [3], new[] { 1.5f, float.NaN, float.NegativeInfinity }),
            SafetensorsSource.FromArray("f64", [1], new[] { Math.PI }),
            SafetensorsSource.FromArray("f16", [1, 1], new[] { (Half)0.25 }),
            SafetensorsSource.FromArray("i64", [2], new[] { long.MinValue, long.MaxValue }),
            SafetensorsSource.FromArray("u64", [1], new[] { ulong.MaxValue }),
            SafetensorsSource.FromArray("i32", [1], new[] { -7 }),
            SafetensorsSource.FromArray("u32", [1], new[] { 7u }),
            SafetensorsSource.FromArray("i16", [1], new short[] { -300 }),
            SafetensorsSource.FromArray("u16", [1], new ushort[] { 300 }),
            SafetensorsSource.FromArray("i8", [1], new sbyte[] { -1 }),
            SafetensorsSource.FromArray("u8", [1], new byte[] { 255 }),
            SafetensorsSource.FromArray("bool", [2], new[] { true, false }),
        ]);
        using var file = SafetensorsFile.Open(folder.File("a"));
        Assert.Equal([1.5f, float.NaN, float.NegativeInfinity], file.ToArray<float>("f32"));
        Assert.Equal([Math.PI], file.ToArray<double>("f64"));
        Assert.Equal([(Half)0.25], file.ToArray<Half>("f16"));
        Assert.Equal([long.MinValue, long.MaxValue], file.ToArray<long>("i64"));
        Assert.Equal([ulong.MaxValue], file.ToArray<ulong>("u64"));
        Assert.Equal([-7], file.ToArray<int>("i32"));
        Assert.Equal([7u], file.ToArray<uint>("u32"));
        Assert.Equal([(short)-300], file.ToArray<short>("i16"));
        Assert.Equal([(ushort)300], file.ToArray<ushort>("u16"));
        Assert.Equal([(sbyte)-1], file.ToArray<sbyte>("i8"));
        Assert.Equal([(byte)255], file.ToArray<byte>("u8"));
        Assert.Equal([true, false], file.ToArray<bool>("bool"));
        Assert.All(file.Entries, entry => Assert.True(file.IsAligned(entry.Name)));
    }

    [Fact]
    public void ToArray_OtherType_IsRefused()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.WriteFile(folder.File("a"), [SafetensorsSource.FromArray("x", [1], new[] { 1f })]);
        using var file = SafetensorsFile.Open(folder.File("a"));
        var error = Assert.Throws<SafetensorsException>(() => file.ToArray<int>("x"));
        Assert.Equal("x", error.Tensor);
    }

    [Fact]
    public void WriteFile_ScalarAndEmptyTensors_ReadBack()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.WriteFile(folder.File("a"),
        [
            SafetensorsSource.FromArray("scalar", [], new[] { 3f }),
            SafetensorsSource.FromArray("empty", [0], Array.Empty<float>()),
            SafetensorsSource.FromArray("z", [4, 0, 5], Array.Empty<byte>()),
            SafetensorsSource.FromArray("zz", [1], new byte[] { 9 }),
        ]);
        using var file = SafetensorsFile.Open(folder.File("a"));
        Assert.Empty(file["scalar"].Shape);
        Assert.Equal([3f], file.ToArray<float>("scalar"));
        Assert.Equal([0], file["empty"].Shape);
        Assert.Empty(file.ToArray<float>("empty"));
        Assert.Equal([4, 0, 5], file["z"].Shape);
        Assert.Equal(0, file["z"].ElementCount);
        Assert.Equal([9], file.Bytes("zz").ToArray());
    }

    [Fact]
    public void WriteFile_NoTensors_ReadsBack()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.WriteFile(folder.File("a"), []);
        using var file = SafetensorsFile.Open(folder.File("a"));
        Assert.Empty(file.Entries);
        Assert.Empty(file.Metadata);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" leading and trailing ")]
    [InlineData("\u00e9\u00df\u6f22\u5b57")]
    [InlineData("\ud83e\uddec helix")]
    [InlineData("quote\" back\\slash \n newline \0 nul \u2028")]
    [InlineData("dtype")]
    [InlineData("metadata")]
    public void WriteFile_UnusualNamesAndMetadata_ReadBack(string name)
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.WriteFile(folder.File("a"), [SafetensorsSource.FromArray(name, [1], new[] { 1 })],
            new Dictionary<string, string> { [name] = name + name });
        using var file = SafetensorsFile.Open(folder.File("a"));
        Assert.Equal([1], file.ToArray<int>(name));
        Assert.Equal(name + name, file.Metadata[name]);
    }

    [Fact]
    public unsafe void WriteFile_TensorsLargerThanEveryBuffer_ReadBack()
    {
        using var folder = new TemporaryFolder();
        var elements = new int[20_000_000];
        for (var i = 0; i < elements.Length; i++) elements[i] = i * 31;
        fixed (int* address = elements)
        {
            SafetensorsWriter.WriteFile(folder.File("a"),
            [
                SafetensorsSource.FromArray("array", [elements.Length], elements),
                SafetensorsSource.FromPointer("pointer", SafetensorsDType.I32, [2, elements.Length / 2], (nint)address),
            ]);
        }

        using var file = SafetensorsFile.Open(folder.File("a"));
        Assert.True(MemoryMarshal.Cast<byte, int>(file.Bytes("array")).SequenceEqual(elements));
        var copy = new int[elements.Length];
        fixed (int* destination = copy) file.CopyTo("pointer", (byte*)destination, copy.Length * 4L);
        Assert.True(copy.AsSpan().SequenceEqual(elements));
    }

    [Fact]
    public unsafe void Open_FileBeyondTwoGiB_ReachesItsEnd()
    {
        using var folder = new TemporaryFolder();
        // A sparse file: three GiB of zeros that take no room, then a tensor of one byte.
        const long Large = 3L << 30;
        var json = $$"""{"large":{"dtype":"U8","shape":[{{Large}}],"data_offsets":[0,{{Large}}]},"last":{"dtype":"U8","shape":[1],"data_offsets":[{{Large}},{{Large + 1}}]} }""";
        using (var stream = File.Create(folder.File("a")))
        {
            stream.Write(SafetensorsBytes.File(json, []));
            stream.Seek(Large, SeekOrigin.Current);
            stream.WriteByte(42);
        }

        using var file = SafetensorsFile.Open(folder.File("a"));
        Assert.Equal(42, file.Bytes("last")[0]);
        Assert.Equal(0, file.Pointer("large")[Large - 1]);
        var error = Assert.Throws<SafetensorsException>(() => file.Bytes("large").Length);
        Assert.Contains("Pointer", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MisalignedTensor_CopiesRightValues()
    {
        using var folder = new TemporaryFolder();
        var json = """{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"f":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}""";
        byte[] data = [5, .. MemoryMarshal.AsBytes<float>([1.25f, -2f])];
        File.WriteAllBytes(folder.File("a"), SafetensorsBytes.File(SafetensorsBytes.Pad(json), data));
        using var file = SafetensorsFile.Open(folder.File("a"));
        Assert.False(file.IsAligned("f"));
        Assert.Equal([1.25f, -2f], file.ToArray<float>("f"));
    }

    [Fact]
    public void Indexer_UnknownName_NamesTheNearest()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.WriteFile(folder.File("a"),
        [
            SafetensorsSource.FromArray("norm.weight", [1], new[] { 1f }),
            SafetensorsSource.FromArray("in_proj.weight", [1], new[] { 1f }),
        ]);
        using var file = SafetensorsFile.Open(folder.File("a"));
        Assert.False(file.TryGet("in_proj.weights", out _));
        var error = Assert.Throws<SafetensorsException>(() => file["in_proj.weights"]);
        Assert.Contains("'in_proj.weight'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public unsafe void Dispose_ThenAccess_Throws()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.WriteFile(folder.File("a"), [SafetensorsSource.FromArray("x", [1], new[] { 1f })]);
        var file = SafetensorsFile.Open(folder.File("a"));
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Bytes("x").Length);
    }
}
