using GenoSeq.Models.Baselines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Baselines;

public sealed class CnnBaselineTests : IDisposable
{
    private static readonly CnnConfig s_small = new()
    {
        VocabSize = 6, InputLength = 30, Outputs = 3, EmbeddingDim = 4, Channels = [5, 3, 2], KernelSize = 3, DenseDim = 7,
    };

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Constructor_OriginalSizes_HasTheOriginalParameters()
    {
        using var model = new CnnBaseline(new CnnConfig { VocabSize = 5, InputLength = 512, Outputs = 1 });
        Assert.Equal(132_425, model.NumParameters);
        Assert.Equal([1, 1], model.forward(zeros([1, 512], int64)).shape);
    }

    [Theory]
    [InlineData(57, true)]
    [InlineData(56, false)]
    public void Constructor_ShortInput_IsRefusedWithTheLeastLength(int length, bool fits)
    {
        var config = new CnnConfig { InputLength = length };
        Assert.Equal(57, config.ShortestInput);
        if (fits)
        {
            using var model = new CnnBaseline(config);
            Assert.Equal([2, 2], model.forward(ones([2, length], int64)).shape);
            Assert.Throws<ArgumentException>(() => model.forward(ones([2, length + 1], int64)));
            return;
        }

        Assert.Contains("at least 57", Assert.Throws<ArgumentException>(() => new CnnBaseline(config)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Forward_TrainingAndEvaluation_AreTheOracles()
    {
        manual_seed(4);
        using var model = new CnnBaseline(s_small);
        long[][] ids = Ids(5);
        var oracle = new CnnOracle(s_small, Values(model));
        double[][] expected = oracle.Run(ids);
        Close(expected, model.forward(Tensor(ids)));
        // The running moments have moved a tenth of the way from mean 0 and variance 1.
        (double[] Mean, double[] Variance)[] running = [.. oracle.Moments.Select(m =>
            (Array.ConvertAll(m.Mean, x => 0.1 * x), Array.ConvertAll(m.Variance, x => 0.9 + (0.1 * x))))];
        model.eval();
        long[][] others = Ids(2);
        Close(oracle.Run(others, running), model.forward(Tensor(others)));
        // Rows do not see each other in evaluation.
        Close([oracle.Run(others, running)[1]], model.forward(Tensor([others[1]])));
        Assert.Equal(6, model.named_buffers(persistentOnly: true).Count());
    }

    [Fact]
    public void Backward_EveryParameter_IsTheOraclesSlope()
    {
        manual_seed(9);
        using var model = new CnnBaseline(s_small);
        long[][] ids = Ids(4);
        var random = new Random(6);
        float[] weights = [.. Enumerable.Range(0, 4 * 3).Select(_ => (float)(random.NextDouble() - 0.5))];
        (model.forward(Tensor(ids)) * tensor(weights, 4, 3)).sum().backward();
        Dictionary<string, double[]> values = Values(model);
        var oracle = new CnnOracle(s_small, values);
        double Objective() => oracle.Run(ids).SelectMany(r => r).Zip(weights, (l, w) => l * w).Sum();
        foreach ((string name, nn.Parameter p) in model.named_parameters())
        {
            float[] gradient = p.grad!.ToArray<float>();
            double scale = Math.Max(1e-3, gradient.Max(Math.Abs));
            for (int round = 0; round < 6; round++)
            {
                int i = random.Next(gradient.Length);
                double kept = values[name][i];
                values[name][i] = kept + 1e-6;
                double up = Objective();
                values[name][i] = kept - 1e-6;
                double slope = (up - Objective()) / 2e-6;
                values[name][i] = kept;
                Assert.True(Math.Abs(slope - gradient[i]) < 2e-4 * scale, $"{name}[{i}]: {gradient[i]} for {slope}");
            }
        }
    }

    private static Dictionary<string, double[]> Values(CnnBaseline model) => model.named_parameters()
        .ToDictionary(p => p.name, p => Array.ConvertAll(p.parameter.ToArray<float>(), v => (double)v));

    private static long[][] Ids(int rows)
    {
        var random = new Random(rows);
        return [.. Enumerable.Range(0, rows).Select(_ => Enumerable.Range(0, s_small.InputLength).Select(_ => (long)random.Next(s_small.VocabSize)).ToArray())];
    }

    private static Tensor Tensor(long[][] ids) => tensor(ids.SelectMany(r => r).ToArray(), ids.Length, ids[0].Length);

    private static void Close(double[][] expected, Tensor actual)
    {
        float[] got = actual.ToArray<float>();
        double[] want = [.. expected.SelectMany(r => r)];
        Assert.Equal(want.Length, got.Length);
        Assert.All(want, (w, i) => Assert.InRange(got[i], w - 1e-4, w + 1e-4));
    }
}
