using System.Globalization;
using System.Text;
using GenoSeq.Data;

namespace GenoSeq.Inference.Output;

/// <summary>Tab-separated text with a header: id, contig, start, end, strand, and a column for each number.</summary>
internal sealed class TsvFormat : EmbeddingFormat
{
    public override string Name => "tsv";

    public override string Extension => ".tsv";

    public override void Write(EmbeddingTable table, string path, EmbeddingFormatOptions options)
    {
        using AtomicOutput output = AtomicOutput.Create(path, new OutputOptions { Force = options.Force });
        using (var text = new StreamWriter(output.Stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" })
        {
            WriteHeader(text, table.Width);
            EachRow(table, (place, values) => WriteRow(text, place, values));
        }

        output.Commit();
    }

    internal static void WriteHeader(TextWriter text, int width)
    {
        text.Write("id\tcontig\tstart\tend\tstrand");
        for (int c = 0; c < width; c++)
        {
            text.Write(string.Create(CultureInfo.InvariantCulture, $"\te{c}"));
        }

        text.WriteLine();
    }

    internal static void WriteRow(TextWriter text, in RowPlace place, ReadOnlySpan<float> values)
    {
        text.Write(string.Create(CultureInfo.InvariantCulture, $"{place.Id}\t{place.Contig}\t{place.Start}\t{place.End}\t{place.Strand}"));
        Span<char> number = stackalloc char[32];
        foreach (float value in values)
        {
            text.Write('\t');
            value.TryFormat(number, out int length, default, CultureInfo.InvariantCulture);
            text.Write(number[..length]);
        }

        text.WriteLine();
    }
}
