namespace GenoSeq.Data.Tests.Bed;

/// <summary>Every BED file of other tools' tests: read, or refused for a reason that stands here.</summary>
public sealed class PeerBedTests
{
    private static readonly Dictionary<string, (string What, string Place)> s_refused = new(StringComparer.Ordinal)
    {
        // Blanks and a tab in one line: which of them separates is anyone's guess.
        ["samtools/test/ampliconclip/ac_test.bed"] = ("'TEST_VIR_LEFT' is no end position", "line 1, column 3"),
        // samtools takes 'contig position' lines for one base; BED has no such line.
        ["samtools/test/dat/view.002.02.bed"] = ("the line has 2 columns", "line 26"),
        // Blocks that leave their interval, against the UCSC definition.
        ["samtools/test/dat/view.001.03.bed"] = ("leaves the interval of 14 bases", "column 12"),
        ["samtools/test/dat/view.002.01.bed"] = ("leaves the interval of 21 bases", "column 12"),
        ["bedtools2/getfasta/blocks.bed"] = ("block 3 (36 and 10 bases on) leaves the interval of 40 bases", "line 1, column 12"),
        ["bedtools2/intersect/splitBug155_a.bed"] = ("block 2 (90 and 10 bases on) leaves the interval of 99 bases", "line 1, column 12"),
    };

    [SharedFact]
    public void ReadAll_EveryPeerFile_IsReadOrRefusedForTheListedReason()
    {
        string root = Repository.SharedPath("data", "peer_inputs");
        var wrong = new List<string>();
        int read = 0, refused = 0;
        foreach (string path in Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            if (!path.EndsWith(".bed", StringComparison.Ordinal) && !path.EndsWith(".bed.gz", StringComparison.Ordinal))
            {
                continue;
            }
            string name = Path.GetRelativePath(root, path);
            bool listed = s_refused.TryGetValue(name, out (string What, string Place) reason);
            try
            {
                int records = BedReader.ReadAll(path).Count();
                read++;
                wrong.AddRange(listed ? [$"{name}: read, but listed as refused"] : records == 0 ? [$"{name}: no records"] : Array.Empty<string>());
            }
            catch (InputDataException e)
            {
                refused++;
                if (!listed || !e.What.Contains(reason.What, StringComparison.Ordinal) || !e.Where!.EndsWith(reason.Place, StringComparison.Ordinal))
                {
                    wrong.Add($"{name}: {e.Message}");
                }
            }
        }
        Assert.Empty(wrong);
        Assert.Equal(s_refused.Count, refused);
        Assert.True(read >= 71, $"{read} read");
    }

    [SharedFact]
    public void ReadAll_TrackWithOffset_IsMoved()
    {
        List<BedRecord> records = [.. BedReader.ReadAll(Repository.SharedPath("data", "peer_inputs", "genometools", "bed_files", "track_offset.bed"))];
        Assert.Equal([(2000L, 6000L), (3000, 8000)], records.Select(r => (r.Start, r.End)));
        Assert.Equal(new BedBlock(2100, 5700), records[0].Thick);
        Assert.Equal([new BedBlock(2000, 3567), new BedBlock(4512, 6000)], records[0].Blocks);
        Assert.Equal((960L, Strand.Forward, "itemA"), (records[0].Score!.Value, records[0].Strand, records[0].Name!));
    }

    [SharedFact]
    public void ReadAll_PositionsBeyond32Bits_AreExact() => Assert.Equal(
        [1000000000L, 10000000000, 30000000000],
        BedReader.ReadAll(Repository.SharedPath("data", "peer_inputs", "bedtools2", "intersect", "large_a.bed")).Select(r => r.Start));
}
