using GenoSeq.Torch.Safetensors;
using GenoSeq.Torch.Tests.IO;

namespace GenoSeq.Torch.Tests.Safetensors;

/// <summary>Damaged copies of a valid file: each is read, or refused with a <see cref="SafetensorsException"/>; never
/// anything else, and never a byte from outside the file.</summary>
public class SafetensorsFuzzTests
{
    private const int Rounds = 3000;

    [Theory]
    [InlineData(11, false)]
    [InlineData(12, true)]
    public unsafe void Open_MutatedFile_IsReadInsideItsBoundsOrRefused(int seed, bool headerOnly)
    {
        using var folder = new TemporaryFolder();
        var original = Original();
        var random = new Random(seed);
        int read = 0, refused = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var bytes = Mutate(original, random, headerOnly);
            var path = folder.File("a");
            File.WriteAllBytes(path, bytes);
            try
            {
                using var file = SafetensorsFile.Open(path);
                CheckBounds(file, bytes);
                read++;
            }
            catch (SafetensorsException error)
            {
                Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
                refused++;
            }
        }

        // Both outcomes must occur often, or the mutations test nothing.
        Assert.True(read > Rounds / 100, $"{read} read");
        Assert.True(refused > Rounds / 4, $"{refused} refused");
    }

    [Fact]
    public void Open_EveryTruncation_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var original = Original();
        for (var length = 0; length < original.Length; length++)
        {
            File.WriteAllBytes(folder.File("a"), original[..length]);
            Assert.Throws<SafetensorsException>(() => SafetensorsFile.Open(folder.File("a")));
        }
    }

    private static unsafe void CheckBounds(SafetensorsFile file, byte[] bytes)
    {
        long total = 0;
        foreach (var entry in file.Entries)
        {
            Assert.InRange(entry.Begin, 0, bytes.Length);
            Assert.InRange(entry.End, entry.Begin, bytes.Length);
            total += entry.ByteLength;
        }

        // Data reaches to the end of the file, so its bytes are known without trusting the header.
        var data = bytes.AsSpan(bytes.Length - (int)total);
        foreach (var entry in file.Entries)
            Assert.True(file.Bytes(entry.Name).SequenceEqual(data[(int)entry.Begin..(int)entry.End]));
    }

    private static byte[] Mutate(byte[] original, Random random, bool headerOnly)
    {
        var bytes = new List<byte>(original);
        var end = headerOnly ? 8 + BitConverter.ToInt32(original) : original.Length;
        for (var count = random.Next(1, 4); count > 0; count--)
        {
            var at = random.Next(Math.Min(end, bytes.Count));
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes[at] = "0123456789-{}[],:\"\\ "u8[random.Next(20)];
                    break;
                case 3:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 4:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(1, 9)));
                    break;
                default:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, random.Next(1, 40))));
                    break;
            }

            if (bytes.Count == 0) break;
        }

        return [.. bytes];
    }

    private static byte[] Original()
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream,
        [
            SafetensorsSource.FromArray("a.weight", [2, 3], new[] { 1f, 2f, 3f, 4f, 5f, 6f }),
            SafetensorsSource.FromArray("b.bias", [2], new short[] { 7, 8 }),
            SafetensorsSource.FromArray("empty", [0, 2], Array.Empty<long>()),
            SafetensorsSource.FromArray("mask", [3], new[] { true, false, true }),
        ], new Dictionary<string, string> { ["format"] = "pt" });
        return stream.ToArray();
    }
}
