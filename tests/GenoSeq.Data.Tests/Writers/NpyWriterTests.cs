using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace GenoSeq.Data.Tests;

public class NpyWriterTests
{
    [Theory]
    [InlineData(NpyType.UInt8, "|u1")]
    [InlineData(NpyType.Int32, "<i4")]
    [InlineData(NpyType.Int64, "<i8")]
    [InlineData(NpyType.Float16, "<f2")]
    [InlineData(NpyType.Float32, "<f4")]
    [InlineData(NpyType.Float64, "<f8")]
    public void Write_EveryType_HasNumPysHeader(NpyType type, string descriptor)
    {
        using var stream = new MemoryStream();
        using NpyWriter writer = NpyWriter.To(stream, type, [3]);
        switch (type)
        {
            case NpyType.UInt8: writer.Write<byte>([1, 2, 3, 4, 5, 6]); break;
            case NpyType.Int32: writer.Write<int>([1, 2, 3, 4, 5, 6]); break;
            case NpyType.Int64: writer.Write<long>([1, 2, 3, 4, 5, 6]); break;
            case NpyType.Float16: writer.Write<Half>([(Half)1, (Half)2, (Half)3, (Half)4, (Half)5, (Half)6]); break;
            case NpyType.Float32: writer.Write<float>([1, 2, 3, 4, 5, 6]); break;
            default: writer.Write<double>([1, 2, 3, 4, 5, 6]); break;
        }
        writer.Commit();
        (string header, byte[] data) = Parse(stream.ToArray());
        Assert.Equal($"{{'descr': '{descriptor}', 'fortran_order': False, 'shape': (2, 3), }}", header);
        Assert.Equal(6 * int.Parse(descriptor[2..], System.Globalization.CultureInfo.InvariantCulture), data.Length);
    }

    [Theory]
    [InlineData(new int[0], "(5,)")]
    [InlineData(new[] { 1 }, "(5, 1)")]
    [InlineData(new[] { 2, 3 }, "(5, 2, 3)")]
    public void Write_Shapes_AreTuplesOfPython(int[] rowShape, string shape)
    {
        int rowLength = rowShape.Aggregate(1, (a, b) => a * b);
        float[] values = [.. Enumerable.Range(0, 5 * rowLength).Select(i => i * 0.5f)];
        using var temp = new TempFolder();
        string path = temp.PathOf("a.npy");
        byte[]? known = null;
        foreach (long? rows in (long?[])[5, null])
        {
            using (NpyWriter writer = NpyWriter.Create(
                path, NpyType.Float32, rowShape, rows, new OutputOptions { Force = true }))
            {
                foreach (float value in values)
                {
                    writer.Write<float>([value]);
                }
                Assert.Equal(5, writer.Rows);
                writer.Commit();
            }
            byte[] bytes = File.ReadAllBytes(path);
            (string header, byte[] data) = Parse(bytes);
            Assert.Contains($"'shape': {shape}, }}", header, StringComparison.Ordinal);
            Assert.Equal(values, MemoryMarshal.Cast<byte, float>(data).ToArray());
            known ??= bytes;
            Assert.Equal(known, bytes);
        }
    }

    [Fact]
    public void Make_LongDictionary_IsVersionTwo()
    {
        int[] rowShape = [.. Enumerable.Repeat(1, 30_000)];
        byte[] header = NpyHeader.Make(NpyType.UInt8, 7, rowShape);
        Assert.Equal(2, header[6]);
        Assert.Equal(0, header.Length % 64);
        Assert.Equal(header.Length - 12, BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(8)));
    }

    [Fact]
    public void Commit_RowsThatDoNotAddUp_IsRefused()
    {
        using NpyWriter part = NpyWriter.To(new MemoryStream(), NpyType.UInt8, [4]);
        part.Write<byte>([1, 2, 3]);
        Assert.Throws<InvalidOperationException>(part.Commit);
        using NpyWriter few = NpyWriter.To(new MemoryStream(), NpyType.UInt8, [4], rows: 2);
        few.Write<byte>([1, 2, 3, 4]);
        Assert.Throws<InvalidOperationException>(few.Commit);
        Assert.Throws<InvalidOperationException>(() => few.Write<byte>([1, 2, 3, 4, 5]));
        Assert.Throws<ArgumentException>(() => few.Write<int>([1]));
    }

    private static (string Header, byte[] Data) Parse(byte[] npy)
    {
        Assert.Equal([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0], npy[..8]);
        int length = BinaryPrimitives.ReadUInt16LittleEndian(npy.AsSpan(8));
        Assert.Equal(0, (10 + length) % 64);
        string header = Encoding.ASCII.GetString(npy, 10, length);
        Assert.EndsWith("\n", header, StringComparison.Ordinal);
        return (header.TrimEnd(), npy[(10 + length)..]);
    }
}
