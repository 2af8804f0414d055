using System.Globalization;
using System.Text;

namespace GenoSeq.Data.Tests;

/// <summary>The FASTA reader on the test files of other projects.</summary>
public class PeerFastaTests
{
    private static readonly string[] s_sets = ["scikit_bio", "seqkit", "samtools", "biofmt_specimens", "genometools"];

    private static FastaGenome Load(string file) => FastaGenome.Load(Path.Combine(Repository.SharedPath("data", "peer_inputs"), file));

    private static InputDataException Refusal(string file) => Assert.Throws<InputDataException>(() => Load(file));

    [SharedFact]
    public void Load_EveryFile_IsReadAsANaiveReaderDoesOrRefused()
    {
        int read = 0;
        int refused = 0;
        foreach (string file in s_sets.SelectMany(s =>
            Directory.EnumerateFiles(Repository.SharedPath("data", "peer_inputs", s), "*", SearchOption.AllDirectories)))
        {
            FastaGenome genome;
            try
            {
                genome = FastaGenome.Load(file);
            }
            catch (InputDataException e)
            {
                Assert.Contains(file, e.Where, StringComparison.Ordinal);
                refused++;
                continue;
            }
            Assert.Equal(Naive(file), genome.Contigs.Select((c, i) => (c.Name, Genomes.Text(genome, i))));
            read++;
        }
        Assert.True(read > 80 && refused > 100, $"{read} read, {refused} refused");
    }

    [SharedFact]
    public void Load_FilesWithSamtoolsIndex_HaveItsNamesAndLengths()
    {
        string[] indexes = [.. Directory.EnumerateFiles(Repository.SharedPath("data", "peer_inputs", "samtools"), "*.fai",
            SearchOption.AllDirectories)];
        Assert.True(indexes.Length >= 4);
        foreach (string index in indexes)
        {
            using FastaGenome genome = FastaGenome.Load(index[..^".fai".Length]);
            IEnumerable<Contig> expected = File.ReadLines(index).Select(l => l.Split('\t'))
                .Select(c => new Contig(c[0], long.Parse(c[1], CultureInfo.InvariantCulture)));
            Assert.Equal(expected, genome.Contigs);
        }
    }

    [SharedFact]
    public void Load_Oddities_AreAccepted()
    {
        // White space and blank lines inside records, empty records, CRLF, spaced columns, comment lines, gap letters.
        (string File, int Records, long Bases)[] cases =
        [
            ("scikit_bio/fasta_invalid_whitespace_only_line_within_sequence", 3, 17),
            ("scikit_bio/fasta_invalid_missing_seq_data_last", 3, 9),
            ("scikit_bio/fasta_max_width_1", 1, 10),
            ("genometools/tRNA.dos.fas", 10, 728),
            ("biofmt_specimens/FASTA/spaced_fasta.fasta", 37, 12637),
            ("samtools/test/dat/depad.001.fa", 1, 35),
            ("seqkit/viruses.fasta", 4, 240),
        ];
        foreach ((string file, int records, long bases) in cases)
        {
            using FastaGenome genome = Load(file);
            Assert.Equal((file, records, bases), (file, genome.Contigs.Count, genome.TotalBases));
        }
    }

    [SharedFact]
    public void Load_BadFiles_SayWhy()
    {
        (string File, string What)[] cases =
        [
            ("scikit_bio/fasta_10_seqs", "two records are named 'seq1'"),
            ("scikit_bio/fasta_invalid_missing_header", "the first line is no FASTA header: \"seq1 desc1\""),
            ("scikit_bio/fasta_single_prot_seq_defaults", "'P' is no nucleotide code; this looks like protein"),
            ("seqkit/empty_id_and_seq.fa", "a record has an empty name"),
            ("seqkit/titin.fas", "'Q' is no nucleotide code; this looks like protein"),
            ("seqkit/d.fq", "this looks like FASTQ, not FASTA"),
            ("genometools/gt_bioseq_fail_1.fas", "the file is empty"),
            ("genometools/gt_bioseq_fail_2.fas", "the first line is no FASTA header: \"x\""),
            ("genometools/gt_bioseq_fail_3.fas", "a record has an empty name"),
            ("genometools/gt_bioseq_fail_4.fas", "none of the 1 records has any bases"),
            ("genometools/gt_bioseq_fail_7.fas", "none of the 1 records has any bases"),
            ("samtools/test/bedcov/bedcov_gG.bed", "the first line is no FASTA header: \"chr1\t12209200\t12209246\""),
        ];
        foreach ((string file, string what) in cases)
        {
            Assert.Equal((file, what), (file, Refusal(file).What));
        }
    }

    [SharedFact]
    public void Load_TwoBitAndSharedGenomes_AreToldApart()
    {
        Assert.Equal("this looks like a 2bit file, not FASTA",
            Refusal("biopython/TwoBit/sequence.littleendian.2bit").What);
        string yeast = Repository.SharedPath("data", "genomes", "yeast", "scerevisiae_s288c.fa.gz");
        using FastaGenome genome = FastaGenome.Load(yeast);
        Assert.Equal((16, 12_157_149L, 17_357L), (genome.Contigs.Count, genome.TotalBases, genome.Digest.NCount));
        Assert.Equal("00cb4fe6223b2ff8dc809da34e8d5eb9296b7d935b04afd8b8cfa1435f15d85a", genome.Digest.Files[0].Sha256);
    }

    private static IEnumerable<(string Name, string Bases)> Naive(string file)
    {
        string? name = null;
        var bases = new StringBuilder();
        foreach (string line in File.ReadAllLines(file, Encoding.Latin1))
        {
            if (line.StartsWith('>'))
            {
                if (name is not null)
                {
                    yield return (name, bases.ToString());
                }
                name = line[1..].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[0];
                bases.Clear();
            }
            else if (!line.StartsWith(';'))
            {
                bases.Append(string.Concat(line.Where(c => !char.IsWhiteSpace(c))));
            }
        }
        yield return (name!, bases.ToString());
    }
}
