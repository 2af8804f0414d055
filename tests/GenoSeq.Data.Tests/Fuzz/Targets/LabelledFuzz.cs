using System.Text;

namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>Labelled sets of one file: tables of sequences, pairs and intervals, and FASTA with labels.</summary>
public static class LabelledFuzz
{
    private static readonly LabelledSetOptions s_options = new() { Genome = Genomes.Parse(">chr1\nACGTNNACGTACGTTT\n>2\nGGGG\n") };

    private static readonly LabelledSetOptions s_multi = s_options with { MultiLabelSeparator = ';', AllowClassesMissingInTrain = true };

    internal static IReadOnlyList<byte[]> Seeds { get; } =
    [
        Encoding.UTF8.GetBytes("sequence,label\nACGT,0\nGGCC,1\nNNN,1\n"),
        Encoding.UTF8.GetBytes("id,seq1,seq2,label,split\nx,ACGT,A,0.5,train\ny,GG,CC,1e3,test\n"),
        Encoding.UTF8.GetBytes("id,region,start,end,strand,label\n7,chr1,1,4,+,a\n8,2,0,4,-,b;a\n"),
        Encoding.UTF8.GetBytes("chromosome\tstart\tend\tsplit\nchr1\t0\t5\ttrain\nchr1\t5\t8\tvalid\n"),
        Encoding.UTF8.GetBytes(">chr1:5|0\nACGT\nACGT\n>b|1\r\nGG\r\n"),
    ];

    /// <summary>Reads all of an input, and its digest, overlaps and a hold-out.</summary>
    public static void Run(ReadOnlySpan<byte> data)
    {
        byte[] bytes = data.ToArray();
        InputDataException? refused = null;
        foreach (LabelledSetOptions options in (ReadOnlySpan<LabelledSetOptions>)[s_multi, s_options])
        {
            refused = null;
            try
            {
                Read(bytes, options);
            }
            catch (InputDataException e)
            {
                refused = e;
            }
        }
        if (refused is not null)
        {
            throw refused;
        }
    }

    private static void Read(byte[] bytes, LabelledSetOptions options)
    {
        using InputFile file = InputFile.FromStream(new MemoryStream(bytes), "fuzz");
        using LabelledSet set = LabelledSets.Read(file.Content, "fuzz", options);
        _ = set.Sha256;
        LabelledLeaks.Find(set);
        for (int r = 0; r < set.Count; r++)
        {
            _ = set.GetId(r);
            if (set.GetSequence(r).IsEmpty)
            {
                throw new InvalidOperationException("an empty sequence");
            }
        }
        if (set.Rows(LabelledPart.Dev).Count == 0)
        {
            set.HoldOut(0.3, 1);
        }
    }
}
