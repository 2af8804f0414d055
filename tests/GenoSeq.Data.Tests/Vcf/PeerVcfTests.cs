using System.Globalization;
using System.Text;

namespace GenoSeq.Data.Tests.Vcf;

/// <summary>Every VCF file of other tools' tests: read, or refused for a reason that stands here.</summary>
public sealed class PeerVcfTests
{
    private const string NoColumns = "there is no line #CHROM before the first record";

    // bcftools refuses these six too. All the files of BioFmtSpecimens are valid, and are read.
    private static readonly Dictionary<string, string> s_refused = new(StringComparer.Ordinal)
    {
        ["bedtools2/intersect/a_vcfSVtest.vcf"] = NoColumns,
        ["bedtools2/intersect/b_vcfSVtest.vcf"] = NoColumns,
        ["bedtools2/intersect/bug223_f.vcf"] = NoColumns,
        ["bedtools2/intersect/bug223_sv1_b.vcf"] = NoColumns,
        ["bedtools2/intersect/svlen.vcf"] = NoColumns,
        // Blanks in place of tabs.
        ["bedtools2/intersect/jim.vcf"] = "column 1 is '#CHROM  POS ID  REF ALT QUAL    FILTER  INFO', not #CHROM",
    };

    private static readonly Dictionary<string, int> s_records = new(StringComparer.Ordinal)
    {
        ["biofmt_specimens/VCF/empty.vcf"] = 0,
        ["bedtools2/intersect/headerOnly.vcf"] = 0,
        ["bedtools2/intersect/b.issue311.vcf"] = 1,
        ["biofmt_specimens/VCF/example.vcf"] = 5,
        ["biofmt_specimens/VCF/noroundtrip.vcf"] = 4,
    };

    [SharedFact]
    public void Read_EveryPeerFile_IsReadOrRefusedForTheListedReason()
    {
        string root = Repository.SharedPath("data", "peer_inputs");
        var wrong = new List<string>();
        int files = 0, refused = 0;
        foreach (string path in Directory.EnumerateFiles(root, "*.vcf", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            files++;
            string name = Path.GetRelativePath(root, path);
            try
            {
                int records = VcfReader.Read(path).Count();
                int expected = s_records.TryGetValue(name, out int known)
                    ? known : File.ReadLines(path).Count(l => l.Length > 0 && l[0] != '#');
                if (s_refused.ContainsKey(name) || records != expected)
                {
                    wrong.Add($"{name}: {records} records");
                }
            }
            catch (InputDataException e)
            {
                refused++;
                if (s_refused.GetValueOrDefault(name) != e.What)
                {
                    wrong.Add($"{name}: {e.Message}");
                }
            }
        }
        Assert.Empty(wrong);
        Assert.Equal((23, s_refused.Count), (files, refused));
    }

    [SharedFact]
    public void Read_StructuralVariants_AreRecognised()
    {
        var kinds = VcfReader.Read(Repository.SharedPath("data", "peer_inputs", "biofmt_specimens", "VCF", "adeno_virus.vcf"))
            .SelectMany(r => Enumerable.Range(0, r.AltCount).Select(r.KindOfAlt)).CountBy(k => k).ToDictionary();
        Assert.Equal(6, kinds[VcfAlleleKind.Breakend]);
        Assert.Equal(3, kinds[VcfAlleleKind.Symbolic]);
        Assert.True(kinds[VcfAlleleKind.Bases] >= 5);
    }

    [SharedFact]
    public void Run_ClinVarWithItsReference_AllRefsAreEqual()
    {
        string folder = Repository.SharedPath("data", "variants", "clinvar_chr1_1Mb");
        using FastaGenome genome = FastaGenome.Load(Path.Combine(folder, "chr1_1Mb_grch37.fa.gz"));
        List<VcfRecord> records = [.. VcfReader.Read(Path.Combine(folder, "clinvar_chr1_1Mb.vcf"))];
        ReferenceCheck check = ReferenceCheck.Run(records, genome);
        Assert.Equal((213L, 213L), (check.Total, check.Equal));
        Assert.Null(check.FirstDifferent);
        List<VariantAllele> alleles = [.. records.SelectMany(r => r.Alleles())];
        Assert.Equal(213, alleles.Count);
        Assert.Equal(133 + 10 + 65, alleles.Count(a => a.IsSnv));
        Assert.All(records, r => Assert.True(r.TryGetInfo("GENE", out string gene) && gene.Length > 0));
    }

    [SharedFact]
    public void Compare_SaturationMutagenesisTable_RefsAreThoseOfItsElements()
    {
        string folder = Repository.SharedPath("data", "variants", "mpra_satmut");
        using FastaGenome elements = FastaGenome.Load(Path.Combine(folder, "references.fa.gz"));
        string path = Path.Combine(folder, "variants.tsv.gz");
        Dictionary<string, long> first = Positions(path).GroupBy(p => p.Element).ToDictionary(g => g.Key, g => g.Min(p => p.Position));
        Assert.Equal(elements.Contigs.Select(c => c.Name).Order(), first.Keys.Order());
        using DelimitedReader table = DelimitedReader.Open(path);
        int pos = table.IndexOf("Pos"), reference = table.IndexOf("Ref"), alt = table.IndexOf("Alt"), element = table.IndexOf("Element");
        int rows = 0, deletions = 0;
        while (table.Read())
        {
            string name = Encoding.UTF8.GetString(table[element]);
            long position = long.Parse(table[pos], CultureInfo.InvariantCulture);
            bool deletion = table[alt].SequenceEqual("-"u8);
            var allele = new VariantAllele(name, position - first[name], table[reference].ToArray(), deletion ? default : table[alt].ToArray());
            Assert.Equal(ReferenceMatch.Equal, ReferenceCheck.Compare(elements, allele));
            Assert.Equal(deletion ? -1 : 0, allele.LengthChange);
            rows++;
            deletions += deletion ? 1 : 0;
        }
        Assert.Equal((12120, 1560), (rows, deletions));
    }

    private static List<(string Element, long Position)> Positions(string path)
    {
        using DelimitedReader table = DelimitedReader.Open(path);
        int pos = table.IndexOf("Pos"), element = table.IndexOf("Element");
        var positions = new List<(string, long)>();
        while (table.Read())
        {
            positions.Add((Encoding.UTF8.GetString(table[element]), long.Parse(table[pos], CultureInfo.InvariantCulture)));
        }
        return positions;
    }
}
