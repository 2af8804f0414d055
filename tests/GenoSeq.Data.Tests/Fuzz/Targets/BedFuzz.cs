using System.Text;

namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>BED, with columns found on each line and with all twelve asked for.</summary>
public static class BedFuzz
{
    internal static IReadOnlyList<byte[]> Seeds { get; } =
    [
        Encoding.UTF8.GetBytes("track name=\"a b\" offset=10\nchr1\t10\t60\tx\t0\t+\t20\t30\t1,2,3\t3\t10,10,10,\t0,20,40,\nchr1\t1\t2\tx\t0\t-\t1\t2\t0\t1\t1\t0\n"),
        Encoding.UTF8.GetBytes("#c\nbrowser x\nchr1 0 9 p 5 * \nchr2  1  1  q 0.5 .\r\n"),
    ];

    /// <summary>Reads all of an input twice.</summary>
    public static void Run(ReadOnlySpan<byte> data)
    {
        byte[] bytes = data.ToArray();
        try
        {
            Read(bytes, new BedOptions { StandardColumns = 12 });
        }
        catch (InputDataException)
        {
            // What counts as refused is what the tolerant reading refuses.
        }
        Read(bytes, new BedOptions { AllowRaggedLines = true });
    }

    private static void Read(byte[] bytes, BedOptions options)
    {
        using InputFile file = InputFile.FromStream(new MemoryStream(bytes), "fuzz");
        using BedReader reader = BedReader.FromStream(file.Content, "fuzz", options);
        while (reader.Read())
        {
            BedRecord r = reader.ToRecord();
            if (r.Start < 0 || r.End < r.Start || r.Blocks.Any(b => b.Start < r.Start || b.End > r.End || b.Length < 0))
            {
                throw new InvalidOperationException("a record that is no interval");
            }
        }
    }
}
