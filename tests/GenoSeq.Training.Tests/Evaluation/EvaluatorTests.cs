using GenoSeq.Data;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Evaluation;
using GenoSeq.Training.Tests.Engine;

namespace GenoSeq.Training.Tests.Evaluation;

[Collection(EngineCollection.Name)]
public sealed class EvaluatorTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Evaluate_WholeValidationPart_IsTheMeanOverAllItsTargetsAtAnyBatchSize(bool causal)
    {
        using var bench = new Bench(causal ? _run.Causal : _run.Config);
        BatchBuilder builder = bench.Data.ValidationBuilder!;
        long windows = bench.Data.ValidationSampler!.WindowsPerEpoch(0);
        Batch batch = builder.CreateBatch((int)windows);
        builder.Fill(new SampleRange(0, (int)windows), batch);
        var each = bench.BitsOf(batch);

        // Every base of the part is in one window, and, in a causal model, a target unless it is the first of its contig's part.
        Assert.Equal(bench.Data.ValidationBases, batch.Windows.Sum(w => (long)w.Length));
        if (causal)
        {
            Assert.Equal(bench.Data.ValidationBases - bench.Data.Split.Validation.Count, each.Count);
        }

        foreach (int size in new[] { 1, 3, 100 })
        {
            EvaluationResult result = Evaluator.Run(bench.Model, builder, windows, size);
            Assert.Equal(each.Count, result.Targets);
            Assert.Equal(each.Average(e => e.Bits), result.BitsPerBase, 2e-6);
        }

        Assert.Equal(each.Count, bench.Trainer.Evaluate(0).Targets);
        EvaluationResult part = bench.Trainer.Evaluate(128);
        Assert.Equal(each.Count(e => e.Window < 2), part.Targets);
        Assert.Equal(each.Where(e => e.Window < 2).Average(e => e.Bits), part.BitsPerBase, 2e-6);
    }

    [Fact]
    public void ValidationBatch_MaskedOnly_ShowsEveryTargetAsTheMask()
    {
        using var bench = new Bench(_run.Config);
        Batch batch = bench.Data.ValidationBuilder!.CreateBatch(8);
        bench.Data.ValidationBuilder.Fill(new SampleRange(0, 8), batch);
        int[] shown = [.. Enumerable.Range(0, 8 * batch.Length).Where(i => batch.Labels[i] >= 0).Select(i => batch.Inputs[i]).Distinct()];
        Assert.Equal([bench.Data.Alphabet.MaskId], shown);
    }

    [Theory]
    [InlineData("fraction")]
    [InlineData("contig")]
    [InlineData("bed")]
    public void Windows_OfTraining_NeverTouchValidation(string split)
    {
        string bed = _run["split.bed"];
        File.WriteAllText(bed, "c1\t0\t1500\ttrain\nc1\t1500\t1800\tvalid\nc1\t1800\t4000\ttrain\nc2\t0\t3000\ttrain\n");
        RunConfig config = _run.Config;
        DataConfig data = split switch
        {
            "contig" => config.Data with { ValidationFraction = null, HoldoutContigs = ["c2"] },
            "bed" => config.Data with { ValidationFraction = null, SplitBed = bed },
            _ => config.Data,
        };
        using var opened = new TrainingData(config with { Data = data });
        Assert.NotEmpty(opened.Split.Validation);
        var held = opened.Split.Validation.SelectMany(i => Enumerable.Range((int)i.Start, (int)i.Length).Select(p => (i.Contig, p))).ToHashSet();
        Assert.Equal(opened.ValidationBases, held.Count);
        long windows = 3 * opened.TrainSampler.WindowsPerEpoch(0);
        for (long w = 0; w < windows; w++)
        {
            SampleWindow window = opened.TrainSampler.At(w);

            // The base behind a window is a causal model's last target.
            int end = (int)window.End + (window.HasNext ? 1 : 0);
            Assert.DoesNotContain(Enumerable.Range((int)window.Start, end - (int)window.Start), p => held.Contains((window.Contig, p)));
        }

        for (long w = 0; w < opened.ValidationSampler!.WindowsPerEpoch(0); w++)
        {
            SampleWindow window = opened.ValidationSampler.At(w);
            int end = (int)window.End + (window.HasNext ? 1 : 0);
            Assert.All(Enumerable.Range((int)window.Start, end - (int)window.Start), p => Assert.Contains((window.Contig, p), held));
        }
    }
}
