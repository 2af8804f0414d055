namespace GenoSeq.Data.Tests;

/// <summary>
/// The recorded cases were made by running the published loader's own interval class (kuleshov-group/caduceus at 0060a6d,
/// <c>FastaInterval</c>) on a stub contig that answers a slice with its bounds, over random intervals, contigs, lengths
/// and window numbers (Python's generator, seed 11).
/// </summary>
public class CaduceusRuleTests
{
    /// <summary>Contig, start of the interval, length, window; then the window's start.</summary>
    public static TheoryData<int, int, int, int, int> Recorded { get; } = new()
    {
        { 1060232, 271674, 1048576, 0, 11656 },
        { 487280, 359213, 131072, 7, 356208 },
        { 1750691, 1657865, 1024, 61, 1720329 },
        { 412302, 7619, 262144, 3, 150158 },
        { 2706076, 52207, 262144, 3, 838639 },
        { 381231, 335232, 1024, 236, 380207 },
        { 240188, 190895, 131072, 5, 109116 },
        { 2698836, 1919966, 262144, 3, 2436692 },
        { 2532318, 351408, 262144, 3, 1137840 },
        { 288695, 45996, 131072, 7, 157623 },
        { 966643, 732256, 1024, 231, 965619 },
        { 2839557, 2768792, 262144, 3, 2577413 },
        { 134036, 96456, 131072, 7, 2964 },
        { 2852504, 2565899, 8192, 51, 2844312 },
        { 1235671, 718325, 524288, 1, 711383 },
        { 325447, 171421, 262144, 3, 63303 },
        { 1574120, 416296, 1048576, 0, 416296 },
        { 906566, 403092, 8192, 56, 861844 },
        { 607253, 220088, 524288, 0, 82965 },
        { 2090525, 735565, 8192, 10, 817485 },
        { 1183085, 580483, 1048576, 0, 134509 },
        { 119159, 61781, 1024, 563, 118135 },
        { 1744570, 802261, 8192, 126, 1736378 },
        { 1709958, 1502140, 1048576, 0, 661382 },
        { 150648, 8253, 131072, 7, 19576 },
        { 698302, 294723, 524288, 1, 174014 },
        { 2854376, 2365750, 131072, 0, 2365750 },
        { 1084196, 849743, 1048576, 0, 35620 },
        { 111902, 100822, 8192, 127, 103710 },
        { 599062, 49222, 8192, 29, 286790 },
        { 290722, 280699, 262144, 2, 28578 },
        { 2871994, 830683, 1024, 408, 1248475 },
        { 1336062, 374731, 262144, 3, 1073918 },
        { 402351, 374431, 262144, 0, 140207 },
        { 958019, 285584, 8192, 88, 949827 },
        { 2707100, 2098896, 524288, 0, 2098896 },
        { 445589, 117400, 262144, 3, 183445 },
        { 1889417, 272440, 262144, 3, 1058872 },
        { 1087904, 14106, 262144, 3, 800538 },
        { 673399, 527067, 524288, 1, 149111 },
    };

    [Theory]
    [MemberData(nameof(Recorded))]
    public void Start_RecordedInterval_IsThePublishedOne(int contig, int start, int length, int window, int first) =>
        Assert.Equal(first, CaduceusRule.Start(start, contig, length, window));

    [Fact]
    public void Sampler_TwoRows_HasAllWindowsOfBothAndSlidesBack()
    {
        const int length = 1 << 18;
        using FastaGenome genome = Genomes.Random(3, 1_500_000, length - 1);
        GenomeInterval[] rows = [new(0, 100_000, 100_010), new(0, 800_000, 1_400_000), new(1, 5, 50)];
        var sampler = new WindowSampler(genome, rows,
            new WindowSamplerOptions { Length = length, Rule = WindowRule.Caduceus, Shuffle = false });
        Assert.Equal(8, sampler.WindowsPerEpoch(0));
        // The last two windows of the second row both slide back to the contig's last 2^18 bases.
        long end = 1_500_000 - length;
        Assert.Equal([100_000, 100_000 + length, 100_000 + 2 * length, 100_000 + 3 * length, 800_000, 800_000 + length, end, end],
            Enumerable.Range(0, 8).Select(i => sampler.At(i).Start));
        Assert.All(Enumerable.Range(0, 8), i => Assert.Equal((length, 0, false, false), (sampler.At(i).Length, sampler.At(i).PadLeft, sampler.At(i).HasPrevious, sampler.At(i).HasNext)));
        Assert.Equal([new GenomeInterval(0, 100_000, 1_500_000)], sampler.Reach.Stretches);
        ExclusionCount excluded = Assert.Single(sampler.Excluded.Counts);
        Assert.Equal((Exclusion.ContigShorterThanWindow, 1L, 45L), (excluded.Reason, excluded.Intervals, excluded.Bases));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(1000)]
    [InlineData(1 << 21)]
    public void Validate_LengthThatDoesNotDivide_IsRefused(int length) => Assert.Contains(
        "power of two", Assert.Single(new WindowSamplerOptions { Length = length, Rule = WindowRule.Caduceus }.Validate()), StringComparison.Ordinal);

    [Fact]
    public void Sampler_HeldOutBases_AreInNoWindow()
    {
        const int length = 1 << 16;
        using FastaGenome genome = Genomes.Random(3, 2_000_000);
        GenomeInterval[] rows = [new(0, 0, 10), new(0, 700_000, 700_100)];
        var held = new IntervalSet([new GenomeInterval(0, 900_000, 900_001), new(0, 1_048_570, 1_200_000)]);
        var options = new WindowSamplerOptions { Length = length, Rule = WindowRule.Caduceus, Shuffle = false };
        var published = new WindowSampler(genome, rows, options);
        var strict = new WindowSampler(genome, rows, options, held);
        SampleWindow[] expected = [.. Enumerable.Range(0, 32).Select(i => published.At(i)).Where(w => !held.Overlaps(w.Interval))];
        Assert.Equal(expected, Enumerable.Range(0, (int)strict.WindowsPerEpoch(0)).Select(i => strict.At(i)));
        Assert.Equal(32 - expected.Length, strict.Excluded.Counts.Single(c => c.Reason == Exclusion.SharesHeldOutBases).Intervals);
        Assert.Equal(0, strict.Reach.SharedBases(held));
        Assert.Equal(151_431, published.Reach.SharedBases(held));
    }
}
