namespace GenoSeq.Data.Tests;

public class GenomeSplitTests
{
    private static readonly FastaGenome s_genome = Genomes.Parse(
        $">chr1\n{new string('A', 1000)}\n>chr2\n{new string('C', 500)}\n>chrM\n{new string('G', 7)}\n");

    [Fact]
    public void Create_Fractions_CutsStretchesAtContigEnds()
    {
        GenomeSplit split = GenomeSplit.Create(s_genome,
            new SplitOptions { ValidationFraction = 0.1, TestFraction = 0.05 });
        Assert.Equal([new GenomeInterval(0, 0, 850), new GenomeInterval(1, 0, 425), new GenomeInterval(2, 0, 7)],
            split.Train);
        Assert.Equal([new GenomeInterval(0, 850, 950), new GenomeInterval(1, 425, 475)], split.Validation);
        Assert.Equal([new GenomeInterval(0, 950, 1000), new GenomeInterval(1, 475, 500)], split.Test);
    }

    [Fact]
    public void Create_ZeroFraction_TrainsOnEverything()
    {
        GenomeSplit split = GenomeSplit.Create(s_genome, new SplitOptions { ValidationFraction = 0 });
        Assert.Equal(s_genome.WholeContigs(), split.Train);
        Assert.Empty(split.Validation);
    }

    [Fact]
    public void Create_HoldoutContigs_MovesThemWhole()
    {
        GenomeSplit split = GenomeSplit.Create(
            s_genome, new SplitOptions { HoldoutContigs = ["chr2"], TestContigs = ["chrM"] });
        Assert.Equal([new GenomeInterval(0, 0, 1000)], split.Train);
        Assert.Equal([new GenomeInterval(1, 0, 500)], split.Validation);
        Assert.Equal([new GenomeInterval(2, 0, 7)], split.Test);
    }

    [Fact]
    public void Create_HoldoutOfAll_IsRefused() =>
        Assert.Throws<InputDataException>(
            () => GenomeSplit.Create(s_genome, new SplitOptions { HoldoutContigs = ["chr1", "chr2", "chrM"] }));

    [Fact]
    public void Create_UnknownHoldout_NamesTheClosest()
    {
        var e = Assert.Throws<InputDataException>(() =>
            GenomeSplit.Create(s_genome, new SplitOptions { HoldoutContigs = ["2"] }));
        Assert.Equal("the genome has no contig '2'", e.What);
        Assert.Contains("closest are 'chr2', 'chr1', 'chrM'", e.Expected, StringComparison.Ordinal);
        Assert.Contains("prefix 'chr'", e.Try, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_TrainAndValidationWindows_NeverOverlap()
    {
        using FastaGenome genome = Genomes.Random(8, 3000, 1111, 999);
        GenomeSplit split = GenomeSplit.Create(genome,
            new SplitOptions { ValidationFraction = 0.2, TestFraction = 0.1 });
        var train = new WindowSampler(genome, split.Train, new WindowSamplerOptions { Length = 40 });
        var held = new WindowSampler(
            genome, [.. split.Validation, .. split.Test], new WindowSamplerOptions { Length = 40, Shuffle = false });
        SampleWindow[] heldWindows = [.. Enumerable.Range(0, (int)held.WindowsPerEpoch(0)).Select(i => held.At(i))];
        for (int i = 0; i < 1000; i++)
        {
            SampleWindow w = train.At(i);
            Assert.DoesNotContain(heldWindows, h => h.Interval.Overlaps(w.Interval));
        }
    }

    [Fact]
    public void Validate_EveryProblem_IsReportedAtOnce()
    {
        Assert.Empty(new SplitOptions { BedFile = "x" }.Validate());
        Assert.Single(new SplitOptions().Validate());
        IReadOnlyList<string> problems = new SplitOptions
        {
            BedFile = "x",
            ValidationFraction = 1.5,
            TestFraction = -1,
            TestContigs = ["a"],
        }.Validate();
        Assert.Equal(4, problems.Count);
        Assert.Contains("exactly one of", problems[0], StringComparison.Ordinal);
        Assert.Contains(
            "both HoldoutContigs and TestContigs",
            Assert.Single(new SplitOptions { HoldoutContigs = ["a", "b"], TestContigs = ["b"] }.Validate()),
            StringComparison.Ordinal);
        Assert.Contains(
            "nothing to train on",
            Assert.Single(new SplitOptions { ValidationFraction = 0.6, TestFraction = 0.4 }.Validate()),
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => GenomeSplit.Create(s_genome, new SplitOptions()));
    }
}
