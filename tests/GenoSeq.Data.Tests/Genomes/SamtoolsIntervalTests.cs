using System.Text;

namespace GenoSeq.Data.Tests;

/// <summary>Intervals of every valid FASTA file against <c>samtools faidx</c>.</summary>
public class SamtoolsIntervalTests
{
    [ToolFact("samtools", Shared = true)]
    public void Read_RandomIntervalsOfEveryFile_EqualSamtools()
    {
        using var folder = new TempFolder();
        var random = new Random(20_2);
        int files = 0;
        int regions = 0;
        foreach ((string name, string path) in PeerFiles.Copy(folder))
        {
            if (!IsReadable(path) || Tool.Run("samtools", "faidx", path).ExitCode != 0)
            {
                continue;
            }
            IndexedFastaGenome genome;
            try
            {
                genome = IndexedFastaGenome.Open(path);
            }
            catch (InputDataException)
            {
                // Refused by the index's stricter rules: SamtoolsIndexTests lists these.
                continue;
            }
            using (genome)
            {
                regions += Compare(genome, path, path, random, name);
                files++;
            }
        }
        Assert.True(files > 60 && regions > 1500, $"{files} files, {regions} regions");
    }

    /// <summary>Compares random intervals, with those at contig ends and across line ends among them.</summary>
    internal static int Compare(GenomeSource genome, string samtoolsPath, string list, Random random, string name)
    {
        List<GenomeInterval> intervals = Intervals(genome, random);
        File.WriteAllLines(list + ".regions",
            intervals.Select(i => FormattableString.Invariant($"{genome.Contigs[i.Contig].Name}:{i.Start + 1}-{i.End}")));
        Tool.Result result = Tool.Run("samtools", "faidx", samtoolsPath, "-r", list + ".regions");
        Assert.True(result.ExitCode == 0, $"{name}: {result.Error}");
        string[] records = Encoding.Latin1.GetString(result.Out).Split('>', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(intervals.Count, records.Length);
        for (int i = 0; i < records.Length; i++)
        {
            int header = records[i].IndexOf('\n', StringComparison.Ordinal);
            string expected = records[i][header..].Replace("\n", "", StringComparison.Ordinal);
            string actual = Encoding.Latin1.GetString(GenomeRegion.Read(genome, intervals[i]));
            Assert.True(expected == actual, $"{name} {intervals[i]}");
        }
        return intervals.Count;
    }

    private static List<GenomeInterval> Intervals(GenomeSource genome, Random random)
    {
        var intervals = new List<GenomeInterval>();
        for (int k = 0; k < 30; k++)
        {
            int contig = random.Next(genome.Contigs.Count);
            long length = genome.Contigs[contig].Length;
            long start = random.NextInt64(length);
            long end = start + 1 + random.NextInt64(Math.Min(length - start, k < 10 ? 200 : 200_000));
            intervals.Add((k % 6) switch
            {
                0 => new GenomeInterval(contig, start, start + 1),
                1 => new GenomeInterval(contig, Math.Max(0, length - 1 - random.Next(130)), length),
                2 => new GenomeInterval(contig, 0, Math.Min(length, 1 + random.Next(130))),
                _ => new GenomeInterval(contig, start, end),
            });
        }
        intervals.Add(new GenomeInterval(0, 0, Math.Min(genome.Contigs[0].Length, 3_000_000)));
        return intervals;
    }

    private static bool IsReadable(string path)
    {
        try
        {
            using FastaGenome genome = FastaGenome.Load(path);
            return true;
        }
        catch (InputDataException)
        {
            return false;
        }
    }
}
