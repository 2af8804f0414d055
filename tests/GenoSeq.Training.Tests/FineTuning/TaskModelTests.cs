using GenoSeq.Data;
using GenoSeq.Emulator;
using GenoSeq.Models;
using GenoSeq.Models.Heads;
using GenoSeq.Torch;
using GenoSeq.Training.FineTuning;
using GenoSeq.Training.Tests.Engine;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Tests.FineTuning;

[Collection(EngineCollection.Name)]
public sealed class TaskModelTests
{
    public static TheoryData<string, ModelConfig, Pooling> Cases()
    {
        var cases = new TheoryData<string, ModelConfig, Pooling>();
        ModelConfig mamba = new() { DModel = 8, NLayer = 3, Mamba = new MambaConfig { DState = 4 } };
        (string, ModelConfig)[] models =
        [
            ("causal", mamba), ("ph", mamba with { Bidirectional = true }), ("ps", mamba with { Bidirectional = true, RcEquivariant = true }),
            ("hybrid", mamba with { Bidirectional = true, Layout = "A M", Attention = new AttentionConfig { NHead = 2 } }),
        ];
        foreach ((string name, ModelConfig model) in models)
        {
            foreach (Pooling pooling in Enum.GetValues<Pooling>())
            {
                cases.Add(name, model, pooling);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Outputs_OfManyRowsAtOnce_AreThoseOfEachRowAlone(string name, ModelConfig config, Pooling pooling)
    {
        using var folder = new TinySet();
        using LabelledSet set = folder.Open();
        using TaskModel model = Build(config, pooling);
        Example[] examples = model.Examples(set, Enumerable.Range(0, 24));
        double[][] one = Outputs(model, set, examples, 1);
        double[][] many = Outputs(model, set, examples, 24);
        model.Bucket = 32;
        double[][] bucketed = Outputs(model, set, examples, 24);
        Assert.True(one.Zip(bucketed).All(p => Math.Abs(p.First[0] - p.Second[0]) < 1e-5), $"{name}, {pooling}: in buckets");
        double worst = one.Zip(many).Max(p => p.First.Zip(p.Second).Max(x => Math.Abs(x.First - x.Second)));
        Assert.True(worst < 1e-5, $"{name}, {pooling}: {worst}");
        // And rows differ, or nothing would be tested.
        Assert.True(one.Select(o => o[0]).Distinct().Count() > 20);
    }

    [Theory]
    [InlineData(Pooling.Mean)]
    [InlineData(Pooling.Max)]
    [InlineData(Pooling.Last)]
    [InlineData(Pooling.Attention)]
    [InlineData(Pooling.Position)]
    public void Outputs_OfEquivariantModel_AreTheSameForBothStrands(Pooling pooling)
    {
        using var folder = new TinySet();
        using LabelledSet set = folder.Open();
        using TaskModel model = Build(new ModelConfig { DModel = 8, NLayer = 2, Bidirectional = true, RcEquivariant = true }, pooling);
        using DisposeScope scope = NewDisposeScope();
        Example[] examples = model.Examples(set, [0, 1, 2, 3]);
        float[] forward = model.Head.Score(model.Pooled(set, examples, new bool[4])).ToArray<float>();
        float[] reverse = model.Head.Score(model.Pooled(set, examples, [true, true, true, true])).ToArray<float>();
        Assert.All(forward.Zip(reverse), p => Assert.Equal(p.First, p.Second, 1e-5f));
    }

    [Fact]
    public void Outputs_OfEquivariantModel_OnTheGivenStrandTellStrandsApart()
    {
        using var folder = new TinySet();
        using LabelledSet set = folder.Open();
        using TaskModel model = Build(new ModelConfig { DModel = 8, NLayer = 2, Bidirectional = true, RcEquivariant = true }, Pooling.Mean, strands: HeadStrands.Given);
        Example[] examples = model.Examples(set, Enumerable.Range(0, 24));
        double[][] one = Outputs(model, set, examples, 1), many = Outputs(model, set, examples, 24);
        Assert.All(one.Zip(many), p => Assert.Equal(p.First[0], p.Second[0], 1e-5));
        using DisposeScope scope = NewDisposeScope();
        float[] forward = model.Head.Score(model.Pooled(set, examples, new bool[24])).ToArray<float>();
        float[] reverse = model.Head.Score(model.Pooled(set, examples, [.. Enumerable.Repeat(true, 24)])).ToArray<float>();
        Assert.All(forward.Zip(reverse), p => Assert.True(Math.Abs(p.First - p.Second) > 1e-4));
    }

    [Fact]
    public void Rows_WithMasks_HideTheirShareOfTheBasesAndOthersInEachEpoch()
    {
        using var folder = new TinySet();
        using LabelledSet set = folder.Open();
        using TaskModel model = Build(new ModelConfig { DModel = 8, NLayer = 1 }, Pooling.Mean);
        Example[] examples = model.Examples(set, Enumerable.Range(0, 24));
        using DisposeScope scope = NewDisposeScope();
        int[] plain = model.Rows(set, examples, new bool[24]).Ids.ToArray<int>();
        int[] Masked(int epoch)
        {
            var masks = new RowMasks(0.25, 3);
            masks.Begin(epoch);
            return model.Rows(set, examples, new bool[24], masks).Ids.ToArray<int>();
        }

        int[] first = Masked(0), second = Masked(1);
        Assert.All(plain.Zip(first), p => Assert.True(p.First == p.Second || (p.Second == model.Alphabet.MaskId && p.First != model.Alphabet.PadId)));
        Assert.InRange(first.Count(i => i == model.Alphabet.MaskId) / (double)examples.Sum(e => e.Length), 0.2, 0.3);
        Assert.Equal(first, Masked(0));
        Assert.NotEqual(first, second);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 32)]
    [InlineData(false, 0)]
    [InlineData(false, 32)]
    public void Rows_WithTargets_SayWhatIsHiddenOrComesNext(bool hidden, int bucket)
    {
        using var folder = new TinySet("sequence,label,split\nACGTNACGTA,0,train\nGGNTTACATCAGCATTACGA,1,train\nACGTACGT,0,dev\nGGTTACAT,1,dev\n");
        using LabelledSet set = folder.Open();
        using TaskModel model = Build(new ModelConfig { DModel = 8, NLayer = 1 }, Pooling.Mean);
        model.Bucket = bucket;
        Example[] examples = model.Examples(set, [0, 1]);
        using DisposeScope scope = NewDisposeScope();
        var masks = new RowMasks(hidden ? 0.5 : 0, 3, hidden ? BaseGuess.Hidden : BaseGuess.Next);
        masks.Begin(0);
        RowTensors rows = model.Rows(set, examples, [false, true], masks, 0.125), plain = model.Rows(set, examples, [false, true]);
        Assert.Null(plain.Targets);
        int[] ids = plain.Ids.ToArray<int>(), shown = rows.Ids.ToArray<int>(), targets = rows.Targets!.ToArray<int>();
        Assert.All(rows.TargetShares!.ToArray<float>(), s => Assert.Equal(0.125f, s));
        int length = (int)rows.Ids.size(1);
        for (int i = 0; i < ids.Length; i++)
        {
            int before = hidden ? ids[i] : i % length < length - 1 ? ids[i + 1] : model.Alphabet.PadId;
            bool guessed = model.Alphabet.IsTarget(before) && (!hidden || shown[i] == model.Alphabet.MaskId);
            Assert.Equal(guessed ? before : Labels.Ignored, targets[i]);
        }

        Assert.Equal(hidden, shown.Contains(model.Alphabet.MaskId));
        Assert.InRange(targets.Count(t => t >= 0), 8, 28);
        Assert.Contains(model.Alphabet.NId, ids);
    }

    [Theory]
    [InlineData(false, false, 0)]
    [InlineData(true, false, 32)]
    [InlineData(true, true, 0)]
    [InlineData(true, true, 32)]
    public void PooledAndLoss_IsWhatEitherPassGives(bool bidirectional, bool equivariant, int bucket)
    {
        using var folder = new TinySet();
        using LabelledSet set = folder.Open();
        using TaskModel model = Build(new ModelConfig { DModel = 8, NLayer = 2, Bidirectional = bidirectional, RcEquivariant = equivariant }, Pooling.Mean);
        model.Bucket = bucket;
        Example[] examples = model.Examples(set, Enumerable.Range(0, 24));
        using DisposeScope scope = NewDisposeScope();
        var masks = new RowMasks(bidirectional ? 0.3 : 0, 3, RowMasks.GuessOf(model.Model));
        masks.Begin(0);
        RowTensors rows = model.Rows(set, examples, new bool[24], masks, 0.01);
        Tensor pooled = model.Pooled(rows), language = model.Model.Loss(rows.Ids, rows.Targets!, rows.TargetShares, rows.SequenceIds).Sum;
        (pooled.square().sum() + language).backward();
        float[][] expected = [.. model.Model.parameters().Select(p => p.grad!.ToArray<float>())];
        model.Model.zero_grad();
        (Tensor both, Tensor loss) = model.PooledAndLoss(rows);
        Assert.Equal(pooled.ToArray<float>(), both.ToArray<float>());
        Assert.Equal(language.item(), loss.item());
        (both.square().sum() + loss).backward();
        foreach ((float[] a, float[] b) in expected.Zip(model.Model.parameters().Select(p => p.grad!.ToArray<float>())))
        {
            float size = a.Max(Math.Abs);
            Assert.All(a.Zip(b), x => Assert.True(Math.Abs(x.First - x.Second) <= 1e-5f * size, $"{x.First} and {x.Second} of {size}"));
        }
    }

    /// <summary>On a device the hidden states have two readers, the head's kernel and the pooling: their gradients add up.</summary>
    [Fact]
    public void PooledAndLoss_WithKernels_IsThatOfTheCpu()
    {
        using var folder = new TinySet();
        using LabelledSet set = folder.Open();
        (float[] expected, double loss) = Gradients();
        using EmulatedDevice.Scope emulator = new EmulatedDevice().Use();
        (float[] actual, double given) = Gradients();
        Assert.Equal(loss, given, 1e-4);
        float size = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), p => Assert.True(Math.Abs(p.First - p.Second) <= 2e-4f * size, $"{p.First} and {p.Second} of {size}"));

        (float[] Gradients, double Loss) Gradients()
        {
            using TaskModel model = Build(new ModelConfig { DModel = 32, NLayer = 1, Bidirectional = true, RcEquivariant = true }, Pooling.Mean);
            using DisposeScope scope = NewDisposeScope();
            var masks = new RowMasks(0.3, 3, BaseGuess.Hidden);
            masks.Begin(0);
            (Tensor pooled, Tensor language) = model.PooledAndLoss(model.Rows(set, model.Examples(set, [0, 1, 2]), new bool[3], masks, 0.02));
            Tensor sum = pooled.square().sum() + language;
            sum.backward();
            return ([.. model.Model.parameters().SelectMany(p => p.grad!.ToArray<float>())], sum.item());
        }
    }

    [Fact]
    public void Outputs_InWindows_AreTheMeanOfTheWindows()
    {
        using var folder = new TinySet();
        using LabelledSet set = folder.Open();
        using TaskModel model = Build(new ModelConfig { DModel = 8, NLayer = 1 }, Pooling.Mean, 16, TooLong.Window);
        Example[] examples = model.Examples(set, [0]);
        Assert.Equal((set.GetLength(0) + 15) / 16, examples.Length);
        Assert.Equal(set.GetLength(0), examples[^1].Start + examples[^1].Length);
        double mean = examples.Average(e => Outputs(model, set, [e], 1)[0][0]);
        Assert.Equal(mean, Outputs(model, set, examples, 2)[0][0], 1e-6);
    }

    private static double[][] Outputs(TaskModel model, LabelledSet set, Example[] examples, int batch) =>
        model.Outputs((e, reverse) => model.Pooled(set, e, reverse), examples, batch, default).Outputs;

    private static TaskModel Build(ModelConfig config, Pooling pooling, int maxLength = 0, TooLong tooLong = TooLong.Error,
        HeadStrands strands = HeadStrands.Both)
    {
        manual_seed(5);
        SequenceModel model = ModelFile.Create(config);
        var head = new TaskHead(new HeadConfig { Pooling = pooling, Positions = pooling == Pooling.Position ? 40 : 0, Strands = strands, Outputs = 2 }, config.DModel);
        using (no_grad())
        {
            // Fresh weights are small: larger ones make states depend on all of the sequence.
            foreach (nn.Parameter p in model.parameters().Concat(head.parameters()))
            {
                p.add_(randn(p.shape).mul(0.2));
            }
        }

        model.eval();
        return new TaskModel(model, head, new TaskDescription
        {
            LabelNames = ["0", "1"],
            Head = head.Config,
            MaxLength = pooling == Pooling.Parity ? 48 : maxLength,
            TooLong = tooLong,
            RcAverage = true,
        });
    }
}
