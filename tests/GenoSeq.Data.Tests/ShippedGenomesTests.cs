using System.Globalization;

namespace GenoSeq.Data.Tests;

public class ShippedGenomesTests
{
    public static TheoryData<string> Rows => [.. ManifestRows()];

    [Theory]
    [MemberData(nameof(Rows))]
    public void Load_ShippedGenome_AgreesWithManifest(string row)
    {
        string[] columns = row.Split('\t');
        long[] counts = [.. columns[3..].Select(c => long.Parse(c, CultureInfo.InvariantCulture))];
        using FastaGenome genome = FastaGenome.Load(Path.Combine(Path.Combine(Repository.Root, "data"), columns[0]));
        GenomeFileDigest digest = Assert.Single(genome.Digest.Files);
        Assert.Equal(columns[1], digest.Size.ToString(CultureInfo.InvariantCulture));
        Assert.Equal(columns[2], digest.Sha256);
        Assert.Equal((counts[0], counts[1], counts[2]), (digest.Sequences, digest.Bases, digest.NCount));
        var letters = new long[256];
        for (int contig = 0; contig < genome.Contigs.Count; contig++)
        {
            foreach (byte b in genome.Bases(contig).Span)
            {
                letters[b]++;
            }
        }
        Assert.Equal<long[]>(counts[3..], [letters['A'], letters['C'], letters['G'], letters['T']]);
    }

    [Fact]
    public void Manifest_ListsEveryShippedGenome()
    {
        IEnumerable<string> files = Directory.EnumerateFiles(Path.Combine(Repository.Root, "data"), "*.fa.gz").Select(f =>
            Path.GetFileName(f)!).Order(StringComparer.Ordinal);
        Assert.Equal(files, ManifestRows().Select(r => r.Split('\t')[0]).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> ManifestRows() =>
        File.ReadLines(Path.Combine(Path.Combine(Repository.Root, "data"), "manifest.tsv")).Skip(1);
}
