using System.Diagnostics;
using GenoSeq.Data;
using GenoSeq.Inference.Tests.Scoring;
using GenoSeq.Inference.Variants;
using GenoSeq.Models;

namespace GenoSeq.Inference.Tests.Variants;

/// <summary>Files of variants: what is read, refused and written.</summary>
public sealed class VariantRunTests : IDisposable
{
    private const string Header = "##fileformat=VCFv4.2\n##contig=<ID=g,length=100>\n##INFO=<ID=X,Number=1,Type=String,Description=\"x\">\n"
        + "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("genoseq-variants-").FullName;
    private readonly byte[] _bases = [.. Enumerable.Repeat("ACGTTGCA"u8.ToArray(), 13).SelectMany(b => b).Take(100)];

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void Run_Vcf_KeepsLinesAndAddsFields()
    {
        string input = Write("in.vcf", Header
            + "g\t1\trs1\tA\tC,G\t50\tPASS\tX=1\tGT\t0/1\n"
            + "g\t10\t.\tC\t<DEL>,CT\t.\t.\t.\tGT\t./.\n"
            + "g\t12\t.\tT\t*\t.\t.\tX=2\tGT\t0/0\n");
        string output = Path.Combine(_folder, "out.vcf.gz");
        VariantCounts counts = Score(input, output);
        Assert.Equal((3L, 1L, 1L), (counts[VariantStatus.Scored], counts[VariantStatus.Symbolic], counts[VariantStatus.Overlap]));
        Assert.Contains("3 of 5 alternatives scored; not scored: symbolic 1, overlap 1", counts.ToString(), StringComparison.Ordinal);
        using InputFile file = InputFile.Open(output);
        string[] lines = new StreamReader(file.Content).ReadToEnd().TrimEnd('\n').Split('\n');
        Assert.Equal(Header.Split('\n')[0], lines[0]);
        Assert.Equal(Header.TrimEnd('\n').Split('\n')[^1], lines[^4]);
        Assert.Equal(3, lines.Count(l => l.StartsWith("##genoseqScore=", StringComparison.Ordinal) || l.StartsWith("##INFO=<ID=GENOSEQ_", StringComparison.Ordinal)));
        string[] first = lines[^3].Split('\t');
        Assert.Equal(["g", "1", "rs1", "A", "C,G", "50", "PASS"], first[..7]);
        Assert.Matches(@"^X=1;GENOSEQ_DELTA=-?[0-9.eE-]+,-?[0-9.eE-]+;GENOSEQ_STATUS=scored,scored$", first[7]);
        Assert.Equal(["GT", "0/1"], first[8..]);
        Assert.Matches(@"^GENOSEQ_DELTA=\.,-?[0-9.eE-]+;GENOSEQ_STATUS=symbolic,scored$", lines[^2].Split('\t')[7]);
        InputDataException again = Assert.Throws<InputDataException>(() => Score(output, Path.Combine(_folder, "again.vcf")));
        Assert.Contains("scores already", again.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_OtherReference_IsRefusedOrLeftOut()
    {
        string input = Write("in.vcf", Header + "g\t1\t.\tA\tC\t.\t.\t.\tGT\t0\n" + "g\t2\t.\tT\tC\t.\t.\t.\tGT\t0\n");
        InputDataException e = Assert.Throws<InputDataException>(() => Score(input, Path.Combine(_folder, "x.vcf")));
        Assert.Contains("1 of 2 REF alleles differ", e.Message, StringComparison.Ordinal);
        Assert.Contains("g:2 has REF T, the genome C", e.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_folder, "x.vcf")));
        var said = new List<string>();
        VariantCounts counts = Score(input, Path.Combine(_folder, "x.vcf"), allow: true, said.Add);
        Assert.Equal((1L, 1L), (counts[VariantStatus.Scored], counts[VariantStatus.RefMismatch]));
        Assert.Contains("they are not scored", Assert.Single(said), StringComparison.Ordinal);
    }

    [Fact]
    public void Run_OtherContigNames_AreHinted()
    {
        var said = new List<string>();
        Score(Write("in.vcf", Header + "chrg\t1\t.\tA\tC\t.\t.\t.\tGT\t0\n"), Path.Combine(_folder, "y.tsv"), say: said.Add);
        Assert.Contains("'chrg' of the variants is taken for 'g'", Assert.Single(said), StringComparison.Ordinal);
        InputDataException e = Assert.Throws<InputDataException>(
            () => Score(Write("z.vcf", Header + "k7\t1\t.\tA\tC\t.\t.\t.\tGT\t0\n"), Path.Combine(_folder, "z.tsv")));
        Assert.Contains("none of the variants' contigs", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_Table_HandsColumnsThrough()
    {
        string input = Write("in.tsv", "Chrom\tPos\tRef\tAlt\tCoefficient\ng\t1\tA\tC\t0.5\ng\t2\tC\t-\t-0.1\n");
        string output = Path.Combine(_folder, "out.tsv");
        Score(input, output);
        string[] lines = File.ReadAllLines(output);
        Assert.Equal("Chrom\tPos\tRef\tAlt\tCoefficient\tstatus\tdelta\tref_log_likelihood\talt_log_likelihood", lines[0]);
        Assert.StartsWith("g\t2\tC\t-\t-0.1\tscored\t", lines[2], StringComparison.Ordinal);
    }

    [ToolFact("bcftools")]
    [Trait("Category", "Foreign")]
    public void Bcftools_ReadsTheOutput()
    {
        string input = Write("in.vcf", Header + "g\t1\trs1\tA\tC,G\t50\tPASS\tX=1\tGT\t0/1\n" + "g\t10\t.\tC\t<DEL>,CT\t.\t.\t.\tGT\t./.\n");
        string output = Path.Combine(_folder, "out.vcf.gz");
        Score(input, output);
        (int code, string text, string errors) = Bcftools("query", "-f", "%POS %INFO/GENOSEQ_DELTA %INFO/GENOSEQ_STATUS\\n", output);
        Assert.True(code == 0 && errors.Length == 0, errors);
        Assert.Matches(@"^1 -?[0-9.e-]+,-?[0-9.e-]+ scored,scored\n10 \.,-?[0-9.e-]+ symbolic,scored\n$", text);
        (code, text, errors) = Bcftools("view", "--no-version", "-i", "GENOSEQ_DELTA!=0", output);
        Assert.True(code == 0 && errors.Length == 0, errors);
        Assert.Equal(2, text.Split('\n').Count(l => l.StartsWith("g\t", StringComparison.Ordinal)));
        (code, _, errors) = Bcftools("index", output);
        Assert.True(code == 0, errors);
    }

    [SharedFact]
    public void SharedVariants_EveryReference_Agrees()
    {
        string folder = Repository.SharedPath("data", "variants");
        using (GenomeSource genome = GenomeFiles.Open([Path.Combine(folder, "clinvar_chr1_1Mb", "chr1_1Mb_grch37.fa.gz")]))
        {
            Assert.Equal(213, Agrees(new VcfVariants { Path = Path.Combine(folder, "clinvar_chr1_1Mb", "clinvar_chr1_1Mb.vcf") }, genome));
        }

        using PlacedGenome pieces = PlacedGenome.Load(Path.Combine(folder, "mpra_satmut", "references.fa.gz"));
        Assert.True(Agrees(TableVariants.Open(Path.Combine(folder, "mpra_satmut", "variants.tsv.gz"), "Coefficient"), pieces) > 10000);
    }

    private static int Agrees(VariantSource source, GenomeSource genome)
    {
        VariantRecord[] records = [.. source.Read()];
        var guard = new ReferenceGuard(genome, source.Path, allow: false);
        Array.ForEach(records, r => guard.Look(r.Contig, r.Position0, r.RefBases.Span, r.Line));
        var said = new List<string>();
        guard.Finish(said.Add);
        Assert.Empty(said);
        return records.Length;
    }

    private static (int Code, string Out, string Errors) Bcftools(params string[] arguments)
    {
        var start = new ProcessStartInfo("bcftools") { RedirectStandardOutput = true, RedirectStandardError = true };
        Array.ForEach(arguments, start.ArgumentList.Add);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, text, errors.Result);
    }

    private VariantCounts Score(string input, string output, bool allow = false, Action<string>? say = null)
    {
        using SequenceModel model = ScoringModels.Causal();
        using GenomeSource genome = VariantScorerTests.Genome(_bases);
        var scorer = new VariantScorer(model, genome, new VariantOptions { Context = 16 });
        var run = new VariantRun(scorer, genome, allow, say);
        bool isVcf = !input.EndsWith(".tsv", StringComparison.Ordinal);
        VcfVariants? vcf = isVcf ? new VcfVariants { Path = input } : null;
        VariantSource source = vcf ?? (VariantSource)TableVariants.Open(input);
        var all = run.Run(source).ToList();
        using VariantOutput writer = output.Contains(".vcf", StringComparison.Ordinal)
            ? VariantOutput.Vcf(output, vcf!, scorer.Method, "test", new OutputOptions())
            : VariantOutput.Table(output, source, scorer.Method, new TableWriterOptions());
        all.ForEach(r => writer.Write(r.Record, r.Scores));
        writer.Commit();
        return run.Counts;
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
