using GenoSeq.Training.Evaluation.Metrics;
using GenoSeq.Training.Studies;
using GenoSeq.Training.Studies.Report;

namespace GenoSeq.Training.Tests.Studies.Report;

public sealed class StudyVerdictTests
{
    private static readonly StudyClaimConfig s_claim = new()
    {
        Name = "c",
        Text = "a is above b",
        Source = "Nobody 2020",
        Published = "+3 points",
        Metric = "m",
        Of = new() { Model = "a" },
        Against = new() { Model = "b" },
    };

    [Theory]
    [InlineData(1, 12.706)]
    [InlineData(2, 4.303)]
    [InlineData(30, 2.042)]
    [InlineData(40, 2.021)]
    [InlineData(120, 1.980)]
    public void Quantile_IsThatOfTheTables(int freedom, double expected) => Assert.Equal(expected, StudentT.Quantile975(freedom), 3);

    [Fact]
    public void Of_Difference_PairsSeedsAndHasStudentsInterval()
    {
        // Effects by seed: 1, 2, 3. Seed 9 has one side only.
        StudyVerdict v = StudyVerdict.Of(s_claim, Pairs((11, 10), (22, 20), (33, 30), (5, null)));
        Assert.Equal([1.0, 2.0, 3.0], v.Seeds.Select(s => s.Effect));
        Assert.Equal(2, v.Mean!.Value, 12);
        Assert.Equal(2 - (4.303 / Math.Sqrt(3)), v.Low!.Value, 9);
        Assert.Equal(2 + (4.303 / Math.Sqrt(3)), v.High!.Value, 9);
        Assert.Equal(StudyOutcome.Undecided, v.Outcome);
        Assert.Equal("Measure: a minus b is +2.0 u, 95 % interval -0.5 to +4.5, over 3 seeds. The claim expects above 0 u: the interval reaches across that bound, "
            + "so this study does not decide it. Published: +3 points.", v.Sentence);
    }

    [Fact]
    public void Of_Ratio_IsTakenOnLogarithms()
    {
        StudyVerdict v = StudyVerdict.Of(s_claim with { Effect = ClaimEffect.Ratio, Threshold = 1 }, Pairs((2, 1), (8, 1)));
        double half = 12.706 * Math.Log(2) / 1; // Logarithms ln 2 and 3 ln 2: deviation sqrt(2) ln 2, over sqrt(2).
        Assert.Equal(4, v.Mean!.Value, 12);
        Assert.Equal(Math.Exp((2 * Math.Log(2)) - half), v.Low!.Value, 9);
        Assert.Equal(Math.Exp((2 * Math.Log(2)) + half), v.High!.Value, 3);
        Assert.Contains("a over b is 4 times", v.Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ClaimExpectation.Above, 1.0, StudyOutcome.Supported)]
    [InlineData(ClaimExpectation.Above, 2.0, StudyOutcome.Undecided)]
    [InlineData(ClaimExpectation.Above, 2.5, StudyOutcome.Contradicted)]
    [InlineData(ClaimExpectation.Below, 2.5, StudyOutcome.Supported)]
    [InlineData(ClaimExpectation.Below, 2.0, StudyOutcome.Undecided)]
    [InlineData(ClaimExpectation.Below, 1.5, StudyOutcome.Contradicted)]
    [InlineData(ClaimExpectation.Within, 2.5, StudyOutcome.Supported)]
    [InlineData(ClaimExpectation.Within, 2.0, StudyOutcome.Undecided)]
    [InlineData(ClaimExpectation.Within, 1.0, StudyOutcome.Contradicted)]
    public void Of_Outcomes_FollowWhereTheWholeIntervalLies(ClaimExpectation expect, double threshold, StudyOutcome expected)
    {
        // Effects 1.9, 2.0, 2.1: interval 1.75 to 2.25.
        StudyVerdict v = StudyVerdict.Of(s_claim with { Expect = expect, Threshold = threshold }, Pairs((11.9, 10), (22, 20), (32.1, 30)));
        Assert.Equal(expected, v.Outcome);
        Assert.Equal(expected == StudyOutcome.Contradicted, v.Sentence.Contains("contradicts the published claim (Nobody 2020). Published: +3 points.", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1.05, 0.1, StudyOutcome.Supported)]
    [InlineData(0.95, 0.1, StudyOutcome.Supported)]
    [InlineData(0.905, 0.1, StudyOutcome.Contradicted)] // 1 / 0.905 is 1.105.
    [InlineData(1.2, 0.1, StudyOutcome.Contradicted)]
    public void Of_RatioWithin_IsTheSameInBothDirections(double ratio, double threshold, StudyOutcome expected)
    {
        StudyClaimConfig claim = s_claim with { Effect = ClaimEffect.Ratio, Expect = ClaimExpectation.Within, Threshold = threshold };
        StudyResults results = Pairs((ratio * 10, 10), (ratio * 20, 20), (ratio * 30, 30));
        Assert.Equal(expected, StudyVerdict.Of(claim, results).Outcome);
        Assert.Equal(expected, StudyVerdict.Of(claim with { Of = claim.Against!, Against = claim.Of }, results).Outcome);
    }

    [Fact]
    public void Of_MissingSides_SayWhatIsMissing()
    {
        StudyVerdict one = StudyVerdict.Of(s_claim, Pairs((11, 10)));
        Assert.Equal((StudyOutcome.OneSeed, 1.0, null), (one.Outcome, one.Mean!.Value, one.Low));
        Assert.Contains("the effect lies there, but one seed has no interval", one.Sentence, StringComparison.Ordinal);
        StudyVerdict none = StudyVerdict.Of(s_claim, Pairs((11, null), (12, null)));
        Assert.Equal((StudyOutcome.NotMeasured, null), (none.Outcome, none.Mean));
        Assert.Contains("nothing was measured of b", none.Sentence, StringComparison.Ordinal);
        StudyVerdict apart = StudyVerdict.Of(s_claim, Pairs((11, null), (null, 12)));
        Assert.Contains("no seed and no conditions in common", apart.Sentence, StringComparison.Ordinal);
        StudyVerdict noNumber = StudyVerdict.Of(s_claim, Pairs((double.NaN, 1), (double.NaN, 1)));
        Assert.Equal(StudyOutcome.NotMeasured, noNumber.Outcome);
        Assert.Contains("no value is a number", noNumber.Sentence, StringComparison.Ordinal);
        StudyVerdict some = StudyVerdict.Of(s_claim, Pairs((double.NaN, 1), (2, 1), (3, 1)));
        Assert.Equal(2, some.Seeds.Count);
        Assert.Contains("Left out, as an effect is no number there: 1 combination", some.Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(11.9, StudyOutcome.Supported)]
    [InlineData(12, StudyOutcome.NotTested)]
    public void Of_PremiseThatDoesNotHold_IsNotTested(double above, StudyOutcome expected)
    {
        StudyResults results = Pairs((11, 10), (12, 11), (13, 12.1));
        StudyVerdict v = StudyVerdict.Of(s_claim with { Given = [new() { Model = "a", Above = above }] }, results);
        Assert.Equal((expected, 3), (v.Outcome, v.Seeds.Count));
        Assert.Equal(expected == StudyOutcome.NotTested, v.Sentence.Contains("it supposes a above 12, which has 12, so this study does not test it", StringComparison.Ordinal));
        StudyVerdict none = StudyVerdict.Of(s_claim with { Given = [new() { Model = "c", Above = above }] }, results);
        Assert.Contains("which was not measured", none.Sentence, StringComparison.Ordinal);
        Assert.Equal(StudyOutcome.NotTested, none.Outcome);
    }

    [Fact]
    public void Of_Conditions_AreMatchedAndAveraged()
    {
        // k 1 has both sides, k 2 only a: it has no part. Lengths are matched; "4e1" and "40" are one number.
        StudyRecord A(long seed, int k, double x) => FakeStudy.Record("a", seed, FakeStudy.At(("k", k)), FakeStudy.Value("m", x, ("length", "4e1")), FakeStudy.Value("m", x + 10, ("length", "80")));
        StudyRecord B(long seed, double x) => FakeStudy.Record("b", seed, FakeStudy.At(("k", 1)), FakeStudy.Value("m", x, ("length", "40")), FakeStudy.Value("m", x + 4, ("length", "80.0")));
        StudyResults results = FakeStudy.Small(A(1, 1, 5), A(1, 2, 100), B(1, 1), A(2, 1, 6), B(2, 1), A(3, 1, 9) with { Trial = true });
        StudyVerdict v = StudyVerdict.Of(s_claim, results);
        Assert.Equal([(1, 7.0, 2), (2, 8.0, 2)], v.Seeds.Select(s => ((int)s.Seed, s.Effect, s.Combinations)));
        Assert.Contains("(mean over 2 combinations of length)", v.Sentence, StringComparison.Ordinal);
        StudyClaimConfig across = s_claim with { Of = new() { Model = "a", At = FakeStudy.At(("length", 80), ("k", 1)) }, Against = new() { Model = "a", At = FakeStudy.At(("length", 40), ("k", 1)) } };
        Assert.Equal([10.0, 10.0], StudyVerdict.Of(across, results).Seeds.Select(s => s.Effect));
        Assert.Contains("a at k 1 and length 80 minus a at k 1 and length 40 is +10", StudyVerdict.Of(across, results).Sentence, StringComparison.Ordinal);
        StudyClaimConfig value = s_claim with { Against = null, Effect = ClaimEffect.Value, Of = new() { Model = "a", At = FakeStudy.At(("k", "1.0")) } };
        Assert.Equal([10.0, 11.0], StudyVerdict.Of(value, results).Seeds.Select(s => s.Effect));
    }

    [Fact]
    public void Of_Reference_StandsBesideEverySeed()
    {
        StudyResults results = FakeStudy.Small(Cell("a", 1, 11), Cell("a", 2, 12), Cell("b", 1, 10) with { IsReference = true });
        Assert.Equal([1.0, 2.0], StudyVerdict.Of(s_claim, results).Seeds.Select(s => s.Effect));
        Assert.Equal([-1.0, -2.0], StudyVerdict.Of(s_claim with { Of = s_claim.Against!, Against = s_claim.Of }, results).Seeds.Select(s => s.Effect));
        StudyResults both = FakeStudy.Small(Cell("a", 1, 11) with { IsReference = true }, Cell("b", 7, 10) with { IsReference = true });
        Assert.Equal((StudyOutcome.OneSeed, 1.0), (StudyVerdict.Of(s_claim, both).Outcome, StudyVerdict.Of(s_claim, both).Mean!.Value));
    }

    [Fact]
    public void Of_UnevenSeeds_SaysThatTheStudyIsNotComplete()
    {
        StudyRecord One(string model, long seed, int k, double x) => FakeStudy.Record(model, seed, FakeStudy.At(("k", k)), FakeStudy.Value("m", x));
        StudyResults results = FakeStudy.Small(One("a", 1, 1, 2), One("b", 1, 1, 1), One("a", 1, 2, 2), One("b", 1, 2, 1), One("a", 2, 1, 2), One("b", 2, 1, 1));
        Assert.EndsWith("Seeds cover different conditions: the study is not complete.", StudyVerdict.Of(s_claim, results).Sentence, StringComparison.Ordinal);
    }

    private static StudyRecord Cell(string model, long seed, double value) => FakeStudy.Record(model, seed, FakeStudy.At(), FakeStudy.Value("m", value));

    private static StudyResults Pairs(params (double? A, double? B)[] seeds) => FakeStudy.Small([.. seeds.SelectMany((s, i) => new[] { ("a", s.A), ("b", s.B) }
        .Where(v => v.Item2 is not null).Select(v => Cell(v.Item1, i + 1, v.Item2!.Value)))]);
}
