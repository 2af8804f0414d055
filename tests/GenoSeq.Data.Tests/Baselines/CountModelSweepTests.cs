namespace GenoSeq.Data.Tests.Baselines;

/// <summary>Fitting on threads, and all orders in one pass, against the plain way.</summary>
public class CountModelSweepTests
{
    private static readonly FastaGenome s_genome = Genomes.RandomOf("AACGTacgtNU", 3, 2_500_000, 40, 3, 700);

    private static GenomeInterval[] Intervals =>
        [new(0, 5, 1_400_000), new(0, 1_400_000, 2_499_998), new(1, 0, 40), new(2, 0, 3), new(3, 100, 650)];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Fit_OnThreads_CountsAsOnOne(int threads)
    {
        foreach (bool both in (bool[])[true, false])
        {
            var options = new CountModelOptions { BothStrands = both };
            var plain = new MarkovModel(4, options);
            plain.Fit(s_genome, Intervals);
            var threaded = new MarkovModel(4, options);
            threaded.Fit(s_genome, Intervals, threads);
            Assert.Equal(plain.WordsCounted, threaded.WordsCounted);
            Assert.Equal(plain.Evaluate(s_genome, Intervals), threaded.Evaluate(s_genome, Intervals));
        }
    }

    [Fact]
    public void EvaluateSteps_EveryOrder_IsThatOfAModelOfTheOrder()
    {
        GenomeInterval[] scored = [new(0, 2_000_000, 2_300_000), new(1, 0, 40), new(2, 0, 3), new(3, 0, 700)];
        var longest = new MarkovModel(5);
        longest.Fit(s_genome, Intervals);
        (double[] bits, long bases) = longest.EvaluateSteps(s_genome, scored);
        for (int order = 0; order <= 5; order++)
        {
            var model = new MarkovModel(order);
            model.Fit(s_genome, Intervals);
            (double expected, long count) = model.Evaluate(s_genome, scored);
            Assert.Equal(count, bases);
            // The longest table has a few words less, those cut by N and borders; at the order itself there is no difference.
            Assert.Equal(expected, bits[order], order == 5 ? 1e-12 : 1e-3);
        }
    }

    [Fact]
    public void EvaluateSteps_EveryFlank_IsThatOfAModelOfTheFlank()
    {
        GenomeInterval[] scored = [new(0, 2_000_000, 2_300_000), new(1, 0, 40), new(2, 0, 3), new(3, 0, 700)];
        var widest = new FlankCountModel(3);
        widest.Fit(s_genome, Intervals);
        (double[] bits, long bases) = widest.EvaluateSteps(s_genome, scored);
        for (int flank = 0; flank <= 3; flank++)
        {
            var model = new FlankCountModel(flank);
            model.Fit(s_genome, Intervals);
            (double expected, long count) = model.Evaluate(s_genome, scored);
            Assert.Equal(count, bases);
            Assert.Equal(expected, bits[flank], flank == 3 ? 1e-12 : 1e-3);
        }
    }

    [Fact]
    public void EvaluateSteps_AnyThreads_IsTheSameToTheLastBit()
    {
        var model = new MarkovModel(3);
        model.Fit(s_genome, Intervals);
        (double[] one, _) = model.EvaluateSteps(s_genome, Intervals, threads: 1);
        (double[] three, _) = model.EvaluateSteps(s_genome, Intervals, threads: 3);
        Assert.Equal(one, three);
    }

    [Fact]
    public void FitAndEvaluateSteps_Cancelled_Throw()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        var model = new MarkovModel(3);
        Assert.ThrowsAny<OperationCanceledException>(() => model.Fit(s_genome, Intervals, 2, stop.Token));
        Assert.ThrowsAny<OperationCanceledException>(() => model.EvaluateSteps(s_genome, Intervals, 2, stop.Token));
    }
}
