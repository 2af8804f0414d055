namespace GenoSeq.Data.Tests;

/// <summary>
/// The recorded cases were made by running the published loader's own interval class (HazyResearch/hyena-dna at d553021,
/// <c>FastaInterval</c> with <c>pad_interval</c>) on a stub contig that answers a slice with its bounds, over random
/// intervals, contigs and lengths (Python's generator, seed 11).
/// </summary>
public class HyenaRuleTests
{
    /// <summary>Contig, start, end, length; then start, bases, padding on the left.</summary>
    public static TheoryData<int, int, int, int, int, int, int> Recorded { get; } = new()
    {
        { 281, 238, 267, 300, 103, 178, 0 },
        { 350, 97, 145, 300, 0, 271, 29 },
        { 293, 95, 120, 128, 44, 128, 0 },
        { 205, 36, 60, 300, 0, 198, 102 },
        { 374, 21, 326, 128, 21, 128, 0 },
        { 281, 80, 240, 16, 80, 16, 0 },
        { 320, 32, 63, 16, 32, 16, 0 },
        { 147, 61, 138, 16, 61, 16, 0 },
        { 287, 167, 224, 300, 46, 241, 0 },
        { 150, 132, 140, 64, 104, 46, 0 },
        { 305, 2, 46, 128, 0, 88, 40 },
        { 385, 142, 247, 300, 45, 300, 0 },
        { 92, 90, 92, 64, 59, 33, 0 },
        { 167, 131, 150, 16, 131, 16, 0 },
        { 85, 72, 85, 16, 71, 14, 0 },
        { 255, 27, 244, 64, 27, 64, 0 },
        { 247, 17, 22, 16, 12, 16, 0 },
        { 159, 53, 60, 128, 0, 121, 7 },
        { 242, 181, 207, 128, 130, 112, 0 },
        { 87, 72, 83, 32, 62, 25, 0 },
        { 395, 138, 311, 16, 138, 16, 0 },
        { 209, 85, 87, 128, 22, 128, 0 },
        { 110, 17, 49, 16, 17, 16, 0 },
        { 55, 3, 33, 128, 0, 55, 46 },
        { 140, 48, 106, 300, 0, 140, 73 },
        { 147, 33, 141, 128, 23, 124, 0 },
        { 109, 50, 77, 32, 48, 32, 0 },
        { 50, 17, 37, 16, 17, 16, 0 },
        { 157, 47, 98, 300, 0, 157, 77 },
        { 378, 295, 308, 16, 294, 16, 0 },
        { 124, 27, 84, 64, 24, 64, 0 },
        { 54, 49, 54, 64, 20, 34, 0 },
        { 201, 98, 108, 16, 95, 16, 0 },
        { 96, 26, 58, 16, 26, 16, 0 },
        { 357, 188, 284, 300, 86, 271, 0 },
        { 282, 65, 216, 128, 65, 128, 0 },
        { 344, 69, 267, 32, 69, 32, 0 },
        { 371, 78, 238, 32, 78, 32, 0 },
        { 362, 127, 313, 32, 127, 32, 0 },
        { 131, 50, 100, 128, 11, 120, 0 },
    };

    /// <summary>Contig, start, end, least and largest shift asked for; then least shift drawn and number of shifts.</summary>
    public static TheoryData<int, int, int, int, int, int, int> RecordedShifts { get; } = new()
    {
        { 359, 3, 359, -5, 26, -3, 3 },
        { 74, 4, 70, -6, 6, -4, 8 },
        { 180, 65, 119, -15, 25, -15, 41 },
        { 355, 266, 355, -31, 18, -31, 31 },
        { 139, 3, 62, -4, 8, -3, 12 },
        { 295, 37, 181, -35, 39, -35, 75 },
        { 158, 17, 158, -13, 1, -13, 13 },
        { 187, 63, 71, -26, 28, -26, 55 },
        { 73, 3, 51, -11, 18, -3, 22 },
        { 321, 47, 321, -36, 8, -36, 36 },
        { 235, 84, 218, -8, 28, -8, 25 },
        { 349, 17, 27, -8, 37, -8, 46 },
        { 293, 3, 293, -22, 19, -3, 3 },
        { 67, 9, 40, -1, 38, -1, 28 },
        { 84, 17, 27, -19, 20, -17, 38 },
        { 88, 47, 88, -28, 34, -28, 28 },
    };

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Window_RecordedInterval_IsThePublishedOne(int contig, int start, int end, int length, int first, int bases, int missingLeft) =>
        Assert.Equal((first, bases, missingLeft), HyenaRule.Window(new GenomeInterval(0, start, end), contig, length));

    [Theory]
    [MemberData(nameof(RecordedShifts))]
    public void Shifts_RecordedInterval_AreThePublishedOnes(int contig, int start, int end, int min, int max, int least, int count) =>
        Assert.Equal((least, count), HyenaRule.Shifts(new GenomeInterval(0, start, end), contig, min, max));

    [Theory]
    [InlineData(10, 15, 100, 10, 8, 10, 0)] // 5 bases missing: 2 on the left, 3 on the right
    [InlineData(10, 30, 100, 10, 10, 10, 0)] // truncated behind its first 10
    [InlineData(1, 3, 100, 10, 0, 7, 3)] // 4 on the left wanted, 1 there
    [InlineData(95, 99, 100, 10, 92, 8, 0)] // 3 on the right wanted, 1 there
    [InlineData(2, 6, 8, 20, 0, 8, 6)] // longer than its contig
    public void Window_ByHand_IsTheOneComputed(int start, int end, int contig, int length, int first, int bases, int missingLeft) =>
        Assert.Equal((first, bases, missingLeft), HyenaRule.Window(new GenomeInterval(0, start, end), contig, length));

    [Fact]
    public void Shifts_WholeContig_IsNotMoved() =>
        Assert.Equal((0, 1), HyenaRule.Shifts(new GenomeInterval(0, 0, 50), 50, -9, 9));

    [Theory]
    [InlineData(WindowPadding.Right, 0, 0)]
    [InlineData(WindowPadding.Left, 3, 2)]
    [InlineData(WindowPadding.Sides, 3, 0)]
    public void Sampler_CutByContigEnds_PadsWhereAsked(WindowPadding padding, int first, int second)
    {
        using FastaGenome genome = Genomes.Random(3, 100);
        GenomeInterval[] rows = [new(0, 1, 3), new(0, 95, 99)];
        var sampler = new WindowSampler(genome, rows,
            new WindowSamplerOptions { Length = 10, Rule = WindowRule.Hyena, Shuffle = false, Padding = padding });
        Assert.Equal(2, sampler.WindowsPerEpoch(0));
        Assert.Equal(new SampleWindow(0, 0, 7, 0, 0, false, false, first), sampler.At(0));
        Assert.Equal(new SampleWindow(0, 92, 8, 0, 0, false, false, second), sampler.At(1));
    }

    [Fact]
    public void Sampler_ShiftedRows_StayInReachAndReachEveryShift()
    {
        using FastaGenome genome = Genomes.Random(3, 400);
        GenomeInterval[] rows = [new(0, 100, 120), new(0, 200, 220), new(0, 380, 400)];
        var sampler = new WindowSampler(genome, rows,
            new WindowSamplerOptions { Length = 30, Rule = WindowRule.Hyena, ShiftMin = -4, ShiftMax = 6 });
        Assert.Equal([new GenomeInterval(0, 91, 131), new(0, 191, 231), new(0, 371, 400)], sampler.Reach.Stretches);
        var starts = new Dictionary<int, SortedSet<long>>();
        for (int i = 0; i < 3 * 400; i++)
        {
            SampleWindow w = sampler.At(i);
            int row = w.Start < 150 ? 0 : w.Start < 300 ? 1 : 2;
            (starts.TryGetValue(row, out SortedSet<long>? s) ? s : starts[row] = []).Add(w.Start);
            Assert.True(row == 2 || w.Length == 30);
        }
        Assert.Equal(Enumerable.Range(91, 11).Select(i => (long)i), starts[0]);
        Assert.Equal(Enumerable.Range(191, 11).Select(i => (long)i), starts[1]);
        // The row that ends with its contig is always moved left, as published.
        Assert.Equal(Enumerable.Range(371, 4).Select(i => (long)i), starts[2]);
    }
}
