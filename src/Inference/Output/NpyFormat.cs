using System.Runtime.InteropServices;
using GenoSeq.Data;

namespace GenoSeq.Inference.Output;

/// <summary>NumPy's array file: f4 [rows, width], without names.</summary>
internal sealed class NpyFormat : EmbeddingFormat
{
    public override string Name => "npy";

    public override string Extension => ".npy";

    public override void Write(EmbeddingTable table, string path, EmbeddingFormatOptions options)
    {
        using NpyWriter writer = NpyWriter.Create(path, NpyType.Float32, [table.Width], table.Rows, new OutputOptions { Force = options.Force });
        Copy(table, writer);
        writer.Commit();
    }

    internal static void Copy(EmbeddingTable table, NpyWriter writer)
    {
        using Stream values = table.Values();
        var block = new float[1 << 16];
        for (long left = table.Rows * table.Width; left > 0;)
        {
            Span<float> part = block.AsSpan(0, (int)Math.Min(block.Length, left));
            values.ReadExactly(MemoryMarshal.AsBytes(part));
            writer.Write<float>(part);
            left -= part.Length;
        }
    }
}
