using GenoSeq.Data;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Evaluation;
using GenoSeq.Training.Tests.Engine;

namespace GenoSeq.Training.Tests.Evaluation;

[Collection(EngineCollection.Name)]
public sealed class BaselineReportTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    private static RunConfig With(RunConfig config, string? mustBeat, params string[] baselines) =>
        config with { Report = new ReportConfig { Baselines = baselines, Tokens = 1 << 20, MustBeat = mustBeat } };

    [Fact]
    public void Run_Mlm_ScoresFlanksAtTheModelsTargetsOnly()
    {
        using var bench = new Bench(With(_run.Config, "flank-1", "flank-1", "flank-3"));
        ReportTable table = BaselineReport.Run(bench.Config, bench.Model, bench.Data, 3);
        EvaluationResult model = bench.Trainer.Evaluate(0);
        Assert.Equal(["uniform", "flank-1", "flank-3", "caduceus-ps"], table.Rows.Select(r => r.Name));
        Assert.Equal(2, table.Rows[0].BitsPerBase);
        Assert.Equal(model.Targets, table.Positions);
        Assert.Equal(model.BitsPerBase, table.Model.BitsPerBase, 2e-6);

        // By hand: the same counts, asked at the labelled positions of each window.
        var counts = (CountModel)BaselineReport.Fit("flank-1", bench.Data);
        BatchBuilder builder = bench.Data.ValidationBuilder!;
        int windows = (int)bench.Data.ValidationSampler!.WindowsPerEpoch(0);
        Batch batch = builder.CreateBatch(windows);
        builder.Fill(new SampleRange(0, windows), batch);
        double sum = 0;
        double[] p = new double[4];
        for (int row = 0; row < windows; row++)
        {
            byte[] bases = new byte[batch.Windows[row].Length];
            bench.Data.Genome.Read(batch.Windows[row].Contig, batch.Windows[row].Start, bases);
            for (int t = 0; t < bases.Length; t++)
            {
                if (batch.Labels[(row * batch.Length) + t] >= 0)
                {
                    counts.Distribution(bases, t, p);
                    sum -= Math.Log2(p["ACGT".IndexOf((char)bases[t], StringComparison.Ordinal)]);
                }
            }
        }

        Assert.Equal(sum / table.Positions, table.Rows[1].BitsPerBase, 1e-9);
    }

    [Fact]
    public void Run_Causal_ScoresEachBaseFromTheOneBeforeIt()
    {
        // T follows A more often than not (counted on both strands); the pair is what markov-1 knows and markov-0 does not.
        RunConfig config = With(_run.Causal, null, "markov-0", "markov-1");
        using var bench = new Bench(config with { Data = config.Data with { ContextLength = 100 } });
        ReportTable table = BaselineReport.Run(bench.Config, bench.Model, bench.Data, 4);
        double[,] pairs = new double[4, 4];
        double[] singles = new double[4];
        double sum1 = 0;
        double sum0 = 0;
        long positions = 0;
        var order1 = (CountModel)BaselineReport.Fit("markov-1", bench.Data);
        var order0 = (CountModel)BaselineReport.Fit("markov-0", bench.Data);
        for (int a = 0; a < 4; a++)
        {
            double[] p = new double[4];
            order1.Distribution([(byte)"ACGT"[a], (byte)'A'], 1, p);
            for (int b = 0; b < 4; b++)
            {
                pairs[a, b] = p[b];
            }
        }

        order0.Distribution("A"u8, 0, singles);
        Assert.True(pairs[0, 3] > 0.5, "the genome lacks the pair that this test needs");
        foreach (GenomeInterval part in bench.Data.Split.Validation)
        {
            byte[] bases = new byte[part.Length];
            bench.Data.Genome.Read(part.Contig, part.Start, bases);
            int[] codes = [.. bases.Select(b => "ACGT".IndexOf((char)b, StringComparison.Ordinal))];
            for (int i = 1; i < codes.Length; i++)
            {
                sum1 -= Math.Log2(pairs[codes[i - 1], codes[i]]);
                sum0 -= Math.Log2(singles[codes[i]]);
                positions++;
            }
        }

        Assert.Equal(positions, table.Positions);
        Assert.Equal(sum0 / positions, table.Rows[1].BitsPerBase, 1e-9);
        Assert.Equal(sum1 / positions, table.Rows[2].BitsPerBase, 1e-9);
        Assert.True(sum1 < sum0 - 10);
    }

    /// <summary>A window's bases one after the other, with nothing before the window.</summary>
    [Fact]
    public void Run_Mixed_ReadsEachWindowAndStaysAsItIs()
    {
        using var bench = new Bench(With(_run.Causal, "mixed-4", "mixed-4", "mixed"));
        ReportTable table = BaselineReport.Run(bench.Config, bench.Model, bench.Data, 3);
        Assert.Equal(["uniform", "mixed-4", "mixed"], table.Rows.Take(3).Select(r => r.Name));
        Assert.Same(table.Rows[1], table.MustBeat);
        Assert.All(table.Rows.Skip(1).Take(2), r => Assert.InRange(r.BitsPerBase, 0.5, 2.2));
        Assert.Equal(table.Rows.Take(3), BaselineReport.Run(bench.Config, bench.Model, bench.Data, 2).Rows.Take(3));
        Assert.False(BaselineName.TryParse("mixed-25", out _) || BaselineName.TryParse("mixed-0", out _) || BaselineName.TryParse("mix", out _));
        Assert.True(BaselineName.TryParse("mixed-24", out BaselineName whole) && BaselineName.TryParse("mixed", out BaselineName name) && name == whole);
    }

    [Fact]
    public void Passed_ModelAboveOrBelow_SaysSo()
    {
        ReportRow[] rows = [new("uniform", "", 2), new("flank-2", "", 1.95), new("mamba", "", 1.97)];
        Assert.False(new ReportTable(rows, 1, rows[1]).Passed);
        Assert.True(new ReportTable(rows, 1, rows[0]).Passed);
        Assert.True(new ReportTable(rows, 1, null).Passed);
        Assert.False(new ReportTable([rows[0], rows[2] with { BitsPerBase = double.NaN }], 1, rows[0]).Passed);
    }

    [Fact]
    public void Run_MustBeatUniformAlone_MakesATable()
    {
        PretrainResult result = _run.Run(With(_run.Config, "uniform"), "run");
        Assert.NotNull(result.Table);
        Assert.Equal("uniform", result.Table.MustBeat!.Name);
        Assert.False(result.Table.Passed);
    }
}
