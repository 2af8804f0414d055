using System.Runtime.InteropServices;
using System.Text;
using GenoSeq.Data;
using GenoSeq.Torch.Safetensors;

namespace GenoSeq.Inference.Output;

/// <summary>
/// safetensors: <c>embeddings</c> F32 [rows, width], <c>start</c> and <c>end</c> I64 [rows], <c>strand</c> I8 [rows] (1 or -1), and text as
/// UTF-8: <c>ids</c> U8 with <c>ids_end</c> I64 [rows], where each ends; likewise <c>contigs</c>.
/// </summary>
internal sealed class SafetensorsFormat : EmbeddingFormat
{
    public override string Name => "safetensors";

    public override string Extension => ".safetensors";

    public override void Write(EmbeddingTable table, string path, EmbeddingFormatOptions options)
    {
        if (File.Exists(path) && !options.Force)
        {
            throw new OutputException(OutputProblem.Refused, "the file exists", path, "a new file", "another name, or --force to replace it");
        }

        var (start, end, strand) = (new List<long>(), new List<long>(), new List<sbyte>());
        var (ids, contigs) = (new Texts(), new Texts());
        foreach (RowPlace p in table.Places())
        {
            start.Add(p.Start);
            end.Add(p.End);
            strand.Add((sbyte)(p.Strand == '-' ? -1 : 1));
            ids.Add(p.Id);
            contigs.Add(p.Contig);
        }

        long rows = table.Rows;
        SafetensorsWriter.WriteFile(path,
        [
            new SafetensorsSource("embeddings", SafetensorsDType.F32, [rows, table.Width], stream =>
            {
                using Stream values = table.Values();
                values.CopyTo(stream);
            }),
            Source("start", SafetensorsDType.I64, CollectionsMarshal.AsSpan(start)),
            Source("end", SafetensorsDType.I64, CollectionsMarshal.AsSpan(end)),
            Source("strand", SafetensorsDType.I8, CollectionsMarshal.AsSpan(strand)),
            Source("ids", SafetensorsDType.U8, ids.Bytes.ToArray()),
            Source("ids_end", SafetensorsDType.I64, CollectionsMarshal.AsSpan(ids.Ends)),
            Source("contigs", SafetensorsDType.U8, contigs.Bytes.ToArray()),
            Source("contigs_end", SafetensorsDType.I64, CollectionsMarshal.AsSpan(contigs.Ends)),
        ], table.Metadata);
    }

    private static SafetensorsSource Source<T>(string name, SafetensorsDType type, ReadOnlySpan<T> values) where T : unmanaged
    {
        byte[] bytes = MemoryMarshal.AsBytes(values).ToArray();
        return new SafetensorsSource(name, type, [values.Length], stream => stream.Write(bytes));
    }

    private sealed class Texts
    {
        internal MemoryStream Bytes { get; } = new();

        internal List<long> Ends { get; } = [];

        internal void Add(string text)
        {
            Bytes.Write(Encoding.UTF8.GetBytes(text));
            Ends.Add(Bytes.Length);
        }
    }
}
