using System.Globalization;

namespace GenoSeq.Benchmarks.Data;

/// <summary><c>make-fasta FILE BASES</c>: random bases in the shape of a genome assembly, the same for the same size.</summary>
/// <remarks>60 bases a line, 24 contigs of falling length, runs of lower case as repeats have, a gap of N at each contig's start.</remarks>
internal static class FastaMaker
{
    private const int Width = 60;
    private const int Contigs = 24;

    internal static int Run(ReadOnlySpan<string> args)
    {
        if (args.Length != 2 || !long.TryParse(args[1], NumberStyles.None, CultureInfo.InvariantCulture, out long bases))
        {
            Console.Error.WriteLine("usage: make-fasta FILE BASES");
            return 2;
        }
        using var file = new FileStream(args[0], FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20);
        var random = new Random(20);
        var line = new byte[Width + 1];
        for (int c = 0; c < Contigs; c++)
        {
            // Shares fall linearly, as a karyotype's lengths roughly do.
            long length = bases * 2 * (Contigs - c) / (Contigs * (Contigs + 1));
            file.Write(System.Text.Encoding.ASCII.GetBytes($">chr{c + 1} synthetic\n"));
            Contig(file, random, line, length);
        }
        return 0;
    }

    private static void Contig(FileStream file, Random random, byte[] line, long length)
    {
        long gap = Math.Min(10_000, length / 20);
        bool lower = false;
        long until = 0;
        for (long at = 0; at < length; at += Width)
        {
            if (at >= until)
            {
                lower = !lower;
                until = at + random.Next(100, lower ? 1500 : 3000);
            }
            int n = (int)Math.Min(Width, length - at);
            for (int i = 0; i < n; i += 15)
            {
                uint bits = (uint)random.Next();
                for (int j = i; j < Math.Min(n, i + 15); j++, bits >>= 2)
                {
                    line[j] = at + j < gap ? (byte)'N' : (byte)("ACGT"[(int)(bits & 3)] | (lower ? 0x20 : 0));
                }
            }
            line[n] = (byte)'\n';
            file.Write(line, 0, n + 1);
        }
    }
}
