using System.Buffers.Binary;
using System.Text;
using GenoSeq.Torch.Safetensors;
using GenoSeq.Torch.Tests.IO;

namespace GenoSeq.Torch.Tests.Safetensors;

public class SafetensorsHostileTests
{
    private const string Good = """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";

    /// <summary>Header, bytes of data, and words that the message must have.</summary>
    public static TheoryData<string, int, string> BadHeaders => new()
    {
        { "", 0, "not a JSON object" },
        { "[]", 0, "not a JSON object" },
        { " {}", 0, "'{' as its first byte" },
        { "{", 0, "not valid JSON" },
        { """{"x":""", 0, "not valid JSON" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},}""", 8, "not valid JSON" },
        { "{/* comment */}", 0, "not valid JSON" },
        { "{}{}", 0, "byte 0x7B follows" },
        { "{}\n", 0, "byte 0x0A follows" },
        { "{} \0", 0, "byte 0x00 follows" },
        { """{"x":1}""", 0, "tensor 'x': its description is not an object" },
        { """{"x":[1]}""", 0, "tensor 'x': its description is not an object" },
        { """{"x":null}""", 0, "tensor 'x': its description is not an object" },
        { """{"x":{}}""", 0, "has no dtype" },
        { """{"x":{"dtype":"F32","data_offsets":[0,8]}}""", 8, "has no shape" },
        { """{"x":{"dtype":"F32","shape":[2]}}""", 8, "has no data_offsets" },
        { """{"x":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}""", 8, "dtype 'F31' is not known; expected one of BOOL" },
        { """{"x":{"dtype":"f32","shape":[2],"data_offsets":[0,8]}}""", 8, "is not known" },
        { """{"x":{"dtype":4,"shape":[2],"data_offsets":[0,8]}}""", 8, "its dtype is not a string" },
        { """{"x":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", 8, "its shape is not an array" },
        { """{"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "its shape holds '-2'" },
        { """{"x":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", 8, "its shape holds '2.5'" },
        { """{"x":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", 8, "its shape holds '2'" },
        { """{"x":{"dtype":"F32","shape":[18446744073709551618],"data_offsets":[0,8]}}""", 8, "integers from 0 to 2^63" },
        { """{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "more than 2^63 bytes" },
        { """{"x":{"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]}}""", 8, "more than 2^63 bytes" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", 8, "data_offsets has 1 numbers" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}""", 8, "data_offsets has 3 numbers" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", 8, "its data_offsets holds '-8'" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "begin before end" },
        { """{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "it has 8 bytes of data; expected 12" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, "truncated" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "1 bytes follow the last tensor" },
        { "{}", 5, "5 bytes follow the last tensor" },
        { """{"x":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "leaves a hole" },
        { """{"x":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}""", 8, "truncated" },
        { """{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}}""", 9, "tensor 'y': its data begins at byte 5 and leaves a hole" },
        { """{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}}""", 7, "tensor 'y': its data begins at byte 3 and overlaps" },
        { """{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"y":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 4, "overlaps" },
        { """{"x":{"dtype":"U8","shape":[0],"data_offsets":[2,2]},"y":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", 4, "overlaps" },
        { """{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "tensor 'x': the header names it twice" },
        { """{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0078":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""", 2, "tensor 'x': the header names it twice" },
        { """{"x":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}""", 1, "has dtype twice" },
        { """{"x":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}""", 1, "has shape twice" },
        { """{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"data_offsets":[0,1]}}""", 1, "has data_offsets twice" },
        { """{"__metadata__":[]}""", 0, "__metadata__ is not an object" },
        { """{"__metadata__":{"a":1}}""", 0, "__metadata__ 'a' is not a string" },
        { """{"__metadata__":{"a":{"b":"c"}}}""", 0, "__metadata__ 'a' is not a string" },
        { """{"__metadata__":{"a":"b","a":"b"}}""", 0, "has 'a' twice" },
        { """{"__metadata__":{},"__metadata__":{}}""", 0, "names it twice" },
        { """{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "not valid Unicode" },
        { """{"x":{"\ud800":1,"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "not valid JSON" },
        { """{"x":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}}""", 1, "its shape holds" },
        { """{"x":{"extra":[[[[[[]]]]]],"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "nested at most 4 deep" },
    };

    [Theory]
    [MemberData(nameof(BadHeaders))]
    public void Open_BadHeader_IsRefusedWithOneClearSentence(string header, int dataLength, string words) =>
        Refused(SafetensorsBytes.File(header, new byte[dataLength]), words);

    [Fact]
    public void Open_GoodHeaderOfTheseTests_IsAccepted()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("a"), SafetensorsBytes.File(Good + "   ", new byte[8]));
        using var file = SafetensorsFile.Open(folder.File("a"));
        Assert.Equal([0f, 0f], file.ToArray<float>("x"));
    }

    [Fact]
    public void Open_UnknownFields_AreIgnored()
    {
        using var folder = new TemporaryFolder();
        var header = """{"x":{"dtype":"U8","extra":{"a":[1]},"shape":[1],"more":null,"data_offsets":[0,1]}}""";
        File.WriteAllBytes(folder.File("a"), SafetensorsBytes.File(header, [3]));
        using var file = SafetensorsFile.Open(folder.File("a"));
        Assert.Equal([3], file.Bytes("x").ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    public void Open_ShorterThanEightBytes_IsRefused(int length) => Refused(new byte[length], $"has {length} bytes");

    [Theory]
    [InlineData(100_000_001UL, "at most 100000000")]
    [InlineData(0x8000_0000_0000_0000UL, "at most 100000000")]
    [InlineData(ulong.MaxValue, "at most 100000000")]
    [InlineData(54UL + 9, "the whole header")]
    [InlineData(99_999_999UL, "the whole header")]
    public void Open_HeaderLengthBeyondFileOrLimit_IsRefused(ulong length, string words)
    {
        var bytes = SafetensorsBytes.File(Good, new byte[8]);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        Refused(bytes, words);
    }

    [Fact]
    public void Open_HeaderNotUtf8_IsRefused() =>
        Refused(SafetensorsBytes.File([.. "{\"x"u8, 0xFF, .. "\":{}}"u8], []), "not UTF-8");

    [Fact]
    public void Open_ByteOrderMark_IsRefused() =>
        Refused(SafetensorsBytes.File("\ufeff{}", []), "not a JSON object");

    [Fact]
    public void Open_DeepNesting_IsRefusedWithoutOverflow() => Refused(
        SafetensorsBytes.File("{\"x\":" + new string('[', 5_000_000), []), "not an object");

    [Fact]
    public void Open_HugeNameWithControlCharacters_MessageStaysPrintable()
    {
        var name = "\\u001b[31m" + new string('n', 100_000);
        var error = Refused(SafetensorsBytes.File($"{{\"{name}\":{{}}}}", []), "has no dtype");
        Assert.True(error.Message.Length < 1000);
        Assert.DoesNotContain('\u001b', error.Message);
    }

    [Fact]
    public void Open_Folder_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(folder.Path));
        Assert.Contains("is a folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_Missing_ThrowsFileNotFound()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<FileNotFoundException>(() => SafetensorsFile.Open(folder.File("none")));
    }

    [Fact]
    public void Open_NotSafetensorsAtAll_IsRefused() => Refused(Encoding.UTF8.GetBytes(">chr1\nACGTACGTACGT\n"), "header");

    private static SafetensorsException Refused(byte[] bytes, string words)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("model.safetensors");
        File.WriteAllBytes(path, bytes);
        var error = Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(path));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("; expected ", error.Message, StringComparison.Ordinal);
        Assert.Contains("; try ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        return error;
    }
}
