using System.Globalization;
using Xunit.Abstractions;

namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>Fuzz tests run alone, so that the bytes they see allocated are their own.</summary>
[CollectionDefinition(nameof(FuzzTests), DisableParallelization = true)]
public sealed class FuzzCollection;

[Collection(nameof(FuzzTests))]
public sealed class FuzzTests(ITestOutputHelper output)
{
    public static TheoryData<string> Targets() => [.. FuzzTargets.All.Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Read_MutatedInput_ReadsOrRefuses(string name)
    {
        FuzzTarget target = FuzzTargets.Get(name);
        FuzzDriver.Outcome outcome = FuzzDriver.Run(target, seed: 1, first: 0, target.PerRun, output);
        Assert.True(outcome.Refused > 0, "no input was refused: the mutations reach nothing");
    }

    /// <summary><c>make fuzz</c>: GENOSEQ_FUZZ_INPUTS inputs per format (default 2,000,000; Parquet 200,000) of seed GENOSEQ_FUZZ_SEED (default 2).</summary>
    [Theory]
    [Trait("Category", "Fuzz")]
    [MemberData(nameof(Targets))]
    public void Read_ManyMutatedInputs_ReadsOrRefuses(string name)
    {
        FuzzTarget target = FuzzTargets.Get(name);
        FuzzDriver.Run(target, Number("GENOSEQ_FUZZ_SEED", 2), first: 0, Number("GENOSEQ_FUZZ_INPUTS", target.LongRun), output);
    }

    [Fact]
    public void Make_SameSeedAndNumber_SameInput()
    {
        FuzzTarget target = FuzzTargets.All[0];
        var a = new Mutator(target.Corpus(), 7, 4096);
        var b = new Mutator(target.Corpus(), 7, 4096);
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal(a.Make(i), b.Make(i));
        }
        Assert.True(Enumerable.Range(0, 1000).Select(i => Convert.ToHexString(a.Make(i))).Distinct().Count() > 900);
    }

    private static int Number(string variable, int otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
