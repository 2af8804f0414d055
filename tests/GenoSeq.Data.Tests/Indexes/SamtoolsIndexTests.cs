using System.Text;

namespace GenoSeq.Data.Tests;

/// <summary>Our indexes against those of samtools, over the files of other projects.</summary>
public class SamtoolsIndexTests
{
    private static readonly string[] s_different =
    [
        "gt_encseq_eqlen_last_empty.fas", "fasta_invalid_missing_seq_data_last", "fasta_invalid_whitespace_line_after_header",
        "fasta_invalid_whitespace_only_sequence", "fastq_invalid_ws_line_after_header", "fastq_multi_ws_lines_between_records",
        "fastq_whitespace_only_lines",
    ];

    [ToolFact("samtools", Shared = true)]
    public void Build_EveryPeerFile_EqualsSamtoolsOrDiffersForAKnownReason()
    {
        using var folder = new TempFolder();
        int equal = 0;
        int refusedByBoth = 0;
        var unexpected = new List<string>();
        foreach ((string name, string path) in PeerFiles.Copy(folder))
        {
            Tool.Result samtools = Tool.Run("samtools", IsFastq(path) ? "fqidx" : "faidx", path);
            byte[]? theirs = samtools.ExitCode == 0 ? File.ReadAllBytes(path + ".fai") : null;
            byte[]? ours = null;
            string reason = "";
            try
            {
                ours = FastaIndexBuilder.Build(path).ToBytes();
            }
            catch (InputDataException e)
            {
                Assert.Contains(path, e.Where, StringComparison.Ordinal);
                reason = e.What;
            }
            if (ours is null && theirs is null)
            {
                refusedByBoth++;
            }
            else if (ours is not null && theirs is not null && ours.AsSpan().SequenceEqual(theirs))
            {
                equal++;
            }
            else if (!Known(name, reason))
            {
                unexpected.Add($"{name}: ours {Show(ours)} {reason}; samtools {Show(theirs)} {samtools.Error}");
            }
        }
        Assert.True(unexpected.Count == 0, string.Join('\n', unexpected));
        Assert.True(equal > 100 && refusedByBoth > 20, $"{equal} equal, {refusedByBoth} refused by both");
    }

    [ToolFact("samtools")]
    public void Build_OddInputs_EqualsSamtools()
    {
        using var folder = new TempFolder();
        string[] inputs =
        [
            ">a\n>b\nACGT\n", ">a\nACGT  \nAC\n", "\n\n>a x\nAC\nA\n\n\n>b\nA", ">a\r\nACGT\r\nAC\r\n\r\n>b\r\nA", "> a\nACGT\n",
            ">a\nACGT\nACGT\n>b c\nACGTACGTACGT\n", ">a\tx\nAC\n\r\n>b\nA\n", ">a\nACGT\r\nACG\r\n", "@r\nACGT\n+\nIIII\n@s\nAC\n+s\n@@\n",
            "@r\nAC\nGT\n+\nII\nII\n\n@s\nA\n+\nI\n", "@r\r\nACGT\r\n+\r\nIIII\r\n", "@r\nACG\n+\n@@@\n@q\nA\n+\n@", ">a\nACGT\nAC\n>b\nAAAAAAA",
        ];
        for (int i = 0; i < inputs.Length; i++)
        {
            string path = folder.Write($"{i}.seq", inputs[i]);
            Tool.Result result = Tool.Run("samtools", inputs[i][0] == '@' ? "fqidx" : "faidx", path);
            Assert.True(result.ExitCode == 0, result.Error);
            Assert.Equal(File.ReadAllText(path + ".fai"), Encoding.UTF8.GetString(FastaIndexBuilder.Build(path).ToBytes()));
        }
    }

    private static bool IsFastq(string path) => File.ReadAllBytes(path).AsSpan().TrimStart("\r\n "u8)[0] == '@';

    private static string Show(byte[]? index) => index is null ? "refused" : $"{index.AsSpan().Count((byte)'\n')} records";

    // The differences that docs/data/genomes.md lists: names, white space that samtools counts for bases or refuses, comments,
    // and a last record without bases.
    private static bool Known(string name, string ourReason) =>
        ourReason.StartsWith("two records are named", StringComparison.Ordinal)
        || ourReason is "a record has an empty name" or "a comment line inside a record"
        || ourReason.StartsWith("white space, then", StringComparison.Ordinal)
        || s_different.Contains(Path.GetFileName(name));
}
