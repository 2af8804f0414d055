namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>Fuzz target: any bytes as a compressed input, as a BGZF file for random access, and as its index. Nothing but
/// <see cref="InputDataException"/> may come of it.</summary>
public static class CompressionFuzz
{
    private const int MaxContent = 1 << 24;

    private static readonly byte[] s_bgzf = Compressed.BgzfBlocks(
        Compressed.Dna(5000, 1), 1000, 1, 0, 2000, 1999, 0);

    /// <summary>Good inputs to begin from.</summary>
    public static IEnumerable<byte[]> Seeds()
    {
        byte[] plain = Compressed.Dna(3000, 2);
        yield return s_bgzf;
        yield return BgzfIndex.Parse(new byte[8], "seed", new BgzfBlockFile(Compressed.Bgzf(plain), "seed")).ToBytes();
        yield return TempFolder.Gzip(plain);
        yield return [.. TempFolder.Gzip(plain[..10]), .. Compressed.Bgzf(plain), .. TempFolder.Gzip(plain)];
        yield return Compressed.GzipWithHeader(plain[..100], 0x0F);
        yield return Index();
    }

    /// <summary>Runs one input.</summary>
    public static void Run(ReadOnlySpan<byte> data)
    {
        byte[] bytes = data.ToArray();
        Only(() =>
        {
            using InputFile file = InputFile.FromStream(
                new MemoryStream(bytes), "fuzz", new InputFileOptions { Threads = 1 });
            var buffer = new byte[1 << 14];
            // Deflate can grow a thousandfold: enough is enough.
            for (int total = 0, n; total < MaxContent && (n = file.Content.Read(buffer)) > 0; total += n)
            {
            }
        });
        Only(() => ReadAt(new BgzfBlockFile(s_bgzf, "fuzz"), bytes));
        Only(() => ReadAt(new BgzfBlockFile(bytes, "fuzz"), Index()));
        Only(() => ReadAt(new BgzfBlockFile(bytes, "fuzz"), new byte[8]));
    }

    private static byte[] Index() => BgzfIndex.Build(new BgzfBlockFile(s_bgzf, "seed")).ToBytes();

    private static void ReadAt(BgzfBlockFile data, byte[] index)
    {
        using BgzfFile file = BgzfFile.Open(data, BgzfIndex.Parse(index, "fuzz.gzi", data));
        var buffer = new byte[777];
        for (long at = 0; at < Math.Min(file.Length, MaxContent); at += 10_007)
        {
            file.Read(at, buffer.AsSpan(0, (int)Math.Min(buffer.Length, file.Length - at)));
        }
    }

    private static void Only(Action run)
    {
        try
        {
            run();
        }
        catch (InputDataException)
        {
        }
    }
}
