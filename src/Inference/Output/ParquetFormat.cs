using System.Globalization;
using System.Runtime.InteropServices;
using GenoSeq.Data;

namespace GenoSeq.Inference.Output;

/// <summary>
/// Parquet: id, contig, start, end, strand, and <c>embedding</c>, a list of floats, or <c>e0</c>, <c>e1</c>, ...; what was computed is
/// in the file's key-value metadata.
/// </summary>
internal sealed class ParquetFormat : EmbeddingFormat
{
    public override string Name => "parquet";

    public override string Extension => ".parquet";

    public override void Write(EmbeddingTable table, string path, EmbeddingFormatOptions options)
    {
        var file = new ParquetTable();
        file.Add("id", ParquetTableType.Text);
        file.Add("contig", ParquetTableType.Text);
        file.Add("start", ParquetTableType.Int64);
        file.Add("end", ParquetTableType.Int64);
        file.Add("strand", ParquetTableType.Text);
        if (options.Wide)
        {
            for (int c = 0; c < table.Width; c++)
            {
                file.Add(string.Create(CultureInfo.InvariantCulture, $"e{c}"), ParquetTableType.Float);
            }
        }
        else
        {
            file.AddList("embedding", table.Width);
        }

        foreach ((string key, string value) in table.Metadata)
        {
            file.Metadata[$"genoseq.{key}"] = value;
        }

        using Stream values = table.Values();
        using IEnumerator<RowPlace> places = table.Places().GetEnumerator();
        var numbers = new float[table.Width];
        file.Write(path, row =>
        {
            if (!places.MoveNext())
            {
                return false;
            }

            values.ReadExactly(MemoryMarshal.AsBytes(numbers.AsSpan()));
            RowPlace p = places.Current;
            row.Add(p.Id);
            row.Add(p.Contig);
            row.Add(p.Start);
            row.Add(p.End);
            row.Add(p.Strand.ToString());
            foreach (float v in numbers)
            {
                row.Add(v);
            }

            return true;
        }, new OutputOptions { Force = options.Force });
    }
}
