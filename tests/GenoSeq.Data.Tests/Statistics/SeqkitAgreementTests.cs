using System.Diagnostics;
using System.Globalization;

namespace GenoSeq.Data.Tests.Statistics;

/// <summary>Sequences and bases of every file at hand, beside <c>seqkit stats</c>.</summary>
public class SeqkitAgreementTests
{
    // Deliberate differences; docs/data/sequences.md gives each word's reason.
    private const string Differences = """
        blank-space-lines scikit_bio/fasta_5_ws_lines_start_of_file
        blank-space-lines scikit_bio/fasta_6_ws_lines_start_of_file
        blank-space-lines scikit_bio/fastq_multi_whitespace_stripping
        blank-space-lines scikit_bio/fastq_multi_ws_lines_between_records
        blank-space-lines scikit_bio/fastq_whitespace_only_lines
        comments biofmt_specimens/FASTA/f003.fasta
        control-bytes samtools/test/dat/dict.fa
        damaged biofmt_specimens/FASTQ/error_qual_del.fastq
        damaged biofmt_specimens/FASTQ/error_qual_null.fastq
        damaged biofmt_specimens/FASTQ/error_qual_space.fastq
        damaged biofmt_specimens/FASTQ/error_qual_vtab.fastq
        damaged biofmt_specimens/FASTQ/error_spaces.fastq
        damaged biofmt_specimens/FASTQ/error_tabs.fastq
        damaged biofmt_specimens/FASTQ/error_trunc_in_seq.fastq
        damaged biopython/Quality/error_diff_ids.fastq
        damaged biopython/Quality/error_qual_del.fastq
        damaged biopython/Quality/error_qual_escape.fastq
        damaged biopython/Quality/error_qual_tab.fastq
        damaged biopython/Quality/error_qual_unit_sep.fastq
        damaged biopython/Quality/error_tabs.fastq
        damaged biopython/Quality/error_trunc_at_seq.fastq
        damaged biopython/Quality/error_trunc_in_seq.fastq
        damaged needletail/random_tsv.fq
        damaged scikit_bio/error_qual_del.fastq
        damaged scikit_bio/error_qual_escape.fastq
        damaged scikit_bio/error_qual_null.fastq
        damaged scikit_bio/error_qual_space.fastq
        damaged scikit_bio/error_qual_vtab.fastq
        damaged scikit_bio/error_spaces.fastq
        damaged scikit_bio/error_tabs.fastq
        damaged scikit_bio/fastq_invalid_blank_after_header
        damaged scikit_bio/fastq_invalid_blank_after_plus
        damaged scikit_bio/fastq_invalid_blank_in_seq_at_symbol
        damaged scikit_bio/fastq_invalid_blank_within_qual
        damaged scikit_bio/fastq_invalid_blank_within_seq
        empty-file genometools/gt_bioseq_fail_1.fas
        empty-name genometools/Copysorttest.fna
        empty-name genometools/Ecoli-section2.fna
        empty-name genometools/Random-Small.fna
        empty-name genometools/Smalldup.fna
        empty-name genometools/TTTN.fna
        empty-name genometools/Verysmall.fna
        empty-name genometools/frompos.fas
        empty-name genometools/gt_bioseq_fail_3.fas
        empty-name genometools/gt_bioseq_succ_1.fas
        empty-name genometools/gt_bioseq_succ_2.fas
        empty-name genometools/gt_mutate_test_1.fas
        empty-name htslib/faidx/faidx.fa
        empty-name scikit_bio/fasta_5_blanks_start_of_file
        empty-name scikit_bio/fasta_6_blanks_start_of_file
        empty-name scikit_bio/fasta_blank_lines_between_records
        empty-name scikit_bio/fasta_max_width_5
        empty-name scikit_bio/fasta_multi_seq_spaces
        empty-name seqkit/empty_id_and_seq.fa
        numbers scikit_bio/fasta_id_whitespace_replacement_none
        numbers scikit_bio/qual_3_seqs_defaults
        numbers scikit_bio/qual_3_seqs_defaults_extra
        numbers scikit_bio/qual_3_seqs_defaults_length_mismatch
        numbers scikit_bio/qual_3_seqs_non_defaults
        numbers scikit_bio/qual_5_blanks_start_of_file
        numbers scikit_bio/qual_blank_lines_between_records
        numbers scikit_bio/qual_description_newline_replacement_empty_str
        numbers scikit_bio/qual_description_newline_replacement_multi_char
        numbers scikit_bio/qual_description_newline_replacement_none
        numbers scikit_bio/qual_id_whitespace_replacement_multi_char
        numbers scikit_bio/qual_id_whitespace_replacement_none
        numbers scikit_bio/qual_invalid_blank_line_within_seq
        numbers scikit_bio/qual_invalid_missing_qual_scores_first
        numbers scikit_bio/qual_invalid_missing_qual_scores_last
        numbers scikit_bio/qual_invalid_missing_qual_scores_middle
        numbers scikit_bio/qual_invalid_qual_scores_float
        numbers scikit_bio/qual_invalid_qual_scores_over_255
        numbers scikit_bio/qual_invalid_qual_scores_string
        numbers scikit_bio/qual_invalid_whitespace_line_in_seq
        numbers scikit_bio/qual_invalid_ws_line_after_header
        numbers scikit_bio/qual_max_width_1
        numbers scikit_bio/qual_max_width_5
        numbers scikit_bio/qual_multi_seq
        numbers scikit_bio/qual_multi_seq_roundtrip
        numbers scikit_bio/qual_single_nuc_seq_non_defaults
        numbers scikit_bio/qual_single_prot_seq_non_defaults
        numbers scikit_bio/qual_tabular_msa_different_type
        numbers scikit_bio/qual_ws_lines_between_records
        white-space scikit_bio/fasta_invalid_blank_line_within_sequence
        white-space scikit_bio/fasta_invalid_whitespace_line_after_header
        white-space scikit_bio/fasta_invalid_whitespace_only_line_within_sequence
        white-space scikit_bio/fasta_invalid_whitespace_only_sequence
        white-space scikit_bio/fasta_prot_seqs_odd_labels
        white-space scikit_bio/fasta_ws_lines_between_records
        white-space scikit_bio/fasta_ws_lines_end_of_file
        """;

    [ToolFact("seqkit", Shared = true)]
    public void Measure_EveryFile_AgreesWithSeqkitOrDiffersForAWrittenReason()
    {
        Dictionary<string, string> reasons = Differences.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(l => l.Split(' ')).ToDictionary(l => l[1], l => l[0], StringComparer.Ordinal);
        string shared = Repository.SharedPath("data");
        string peers = Repository.SharedPath("data", "peer_inputs");
        string[] files = [.. Files(shared), .. Files(Path.Combine(Repository.Root, "data"))];
        Dictionary<string, (long, long)> seqkit = Seqkit(files);
        var wrong = new List<string>();
        int agreed = 0;
        foreach (string file in files)
        {
            string name = Path.GetRelativePath(peers, file);
            (long, long)? theirs = seqkit.TryGetValue(file, out (long, long) found) ? found : null;
            (long, long)? ours = Ours(file);
            bool same = theirs == ours;
            agreed += same && ours is not null ? 1 : 0;
            if (same == reasons.ContainsKey(name))
            {
                wrong.Add($"{name}: seqkit {theirs}, here {ours}, listed as {reasons.GetValueOrDefault(name, "agreeing")}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
        Assert.True(agreed > 250, $"{agreed} agreed");
    }

    // Tables, archives and notes too: what is no sequence file both must refuse. seqkit 2.3.1 dies of a panic on one file, and
    // with it the counts of all others.
    private static IEnumerable<string> Files(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Where(f => Path.GetFileName(f) != "qual_prot_seqs_odd_labels").Order(StringComparer.Ordinal);

    private static (long, long)? Ours(string file)
    {
        try
        {
            SequenceStats s = SequenceStatistics.Measure(file, new SequenceStatisticsOptions { Letters = SequenceLetters.AnyLetter });
            return s.Format == "2bit" ? null : (s.Sequences, s.Bases);
        }
        catch (InputDataException e)
        {
            Assert.Contains(file, e.Where, StringComparison.Ordinal);
            return null;
        }
    }

    private static Dictionary<string, (long, long)> Seqkit(string[] files)
    {
        using var list = new TempFolder();
        string names = list.PathOf("files.txt");
        File.WriteAllLines(names, files);
        using var process = Process.Start(new ProcessStartInfo("seqkit", ["stats", "-T", "--skip-err", "--infile-list", names])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        _ = errors.Result;
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(l => l.Split('\t')).ToDictionary(
            c => c[0], c => (long.Parse(c[3], CultureInfo.InvariantCulture), long.Parse(c[4], CultureInfo.InvariantCulture)), StringComparer.Ordinal);
    }
}
