using System.Text;

namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>CSV and TSV, with a header and without, and in small pieces: which must not change anything.</summary>
public static class DelimitedFuzz
{
    internal static IReadOnlyList<byte[]> Seeds { get; } =
    [
        Encoding.UTF8.GetBytes("\uFEFFsequence,label\r\n\"AC\"\"GT\",\"a,\nb\"\r\n\r\nGG,1\r\n"),
        Encoding.UTF8.GetBytes("a\tb\tc\n1\t2\t3\n\"\"\t\"x\"\t\n"),
        Encoding.UTF8.GetBytes("a;b\r1;2\r3;4"),
    ];

    /// <summary>Reads all of an input three times.</summary>
    public static void Run(ReadOnlySpan<byte> data)
    {
        byte[] bytes = data.ToArray();
        InputDataException? refused = null;
        (long Records, long Bytes) whole = default;
        try
        {
            whole = Read(bytes, int.MaxValue, new DelimitedOptions());
        }
        catch (InputDataException e)
        {
            refused = e;
        }
        try
        {
            (long Records, long Bytes) pieces = Read(bytes, 7, new DelimitedOptions());
            if (refused is not null || pieces != whole)
            {
                throw new InvalidOperationException($"{whole} whole and {pieces} in pieces, refused: {refused?.Message}");
            }
        }
        catch (InputDataException e) when (refused?.Message == e.Message)
        {
        }
        Read(bytes, int.MaxValue, new DelimitedOptions { HasHeader = false, MaxRecordBytes = 1000 });
        if (refused is not null)
        {
            throw refused;
        }
    }

    private static (long Records, long Bytes) Read(byte[] bytes, int piece, DelimitedOptions options)
    {
        using var stream = new TrickleStream(bytes, piece);
        using DelimitedReader reader = DelimitedReader.FromStream(stream, "fuzz", options);
        long records = 0, total = 0;
        while (reader.Read())
        {
            records++;
            for (int i = 0; i < reader.FieldCount; i++)
            {
                total += reader[i].Length;
            }
        }
        return (records, total);
    }
}
