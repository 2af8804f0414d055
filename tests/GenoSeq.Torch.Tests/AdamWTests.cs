using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class AdamWTests : IDisposable
{
    private const double Lr = 3e-3;
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(1, 1.0, 0.1)]
    [InlineData(7, 1.0, 0.0)]
    [InlineData(16, 0.25, 0.1)]
    [InlineData(67, 0.25, 0.3)]
    [InlineData(1027, 1.0, 0.1)]
    public void Step_FusedTensorOpsAndDoubles_AgreeOver50Steps(int n, double gradScale, double decay)
    {
        manual_seed(n);
        Tensor start = randn([n, 2]);
        using var fused = new nn.Parameter(start.clone());
        using var ops = new nn.Parameter(start.clone());
        using var wide = new nn.Parameter(start.to(float64));
        using var a = new optim.AdamW([Group(decay, ("p", fused))], Lr);
        using var b = new optim.AdamW([Group(decay, ("p", ops))], Lr);
        using var c = new optim.AdamW([Group(decay, ("p", wide))], Lr);
        double[] expected = Array.ConvertAll(start.ToArray<float>(), v => (double)v);
        double[] m = new double[expected.Length];
        double[] v = new double[expected.Length];
        for (int t = 1; t <= 50; t++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor g = randn([n, 2]);
            fused.grad = g;
            // A gradient with gaps takes the path of tensor operations; so does double precision.
            Tensor gaps = zeros([n, 4]);
            Tensor strided = gaps.slice(1, 0, 4, 2);
            strided.copy_(g);
            ops.grad = strided;
            Assert.False(n > 1 && ops.grad!.is_contiguous());
            wide.grad = g.to(float64);
            a.step(gradScale);
            b.step(gradScale);
            c.step(gradScale);
            Transcribe(expected, g.ToArray<float>(), m, v, t, gradScale, decay);
        }

        float[] x = fused.ToArray<float>();
        float[] y = ops.ToArray<float>();
        double[] z = wide.ToArray<double>();
        for (int k = 0; k < expected.Length; k++)
        {
            Assert.Equal(expected[k], z[k], 1e-12);
            // Two roundings a step, each of at most half a unit in the last place.
            double slack = 50 * 1.2e-7 * (1 + Math.Abs(expected[k]));
            Assert.InRange(x[k], expected[k] - slack, expected[k] + slack);
            Assert.InRange(y[k], expected[k] - slack, expected[k] + slack);
        }
    }

    [Fact]
    public void Step_FirstStep_MovesByTheLearningRateAgainstTheSign()
    {
        using var p = new nn.Parameter(tensor<float>([1f, 1, 1]));
        using var adam = new optim.AdamW([Group(0, ("p", p))], 0.1);
        p.grad = tensor<float>([5f, -0.01f, 0]);
        adam.step();
        float[] x = p.ToArray<float>();
        Assert.Equal(0.9f, x[0], 5);
        Assert.Equal(1.1f, x[1], 5);
        Assert.Equal(1f, x[2]);
        Assert.Equal(1, adam.StepCount);
    }

    [Theory]
    [InlineData(0, 1.0)]
    [InlineData(2.5, 0.5)]
    [InlineData(7, 1.0)]
    public void StepClipped_ScalesByTheNormOfAllGradients(double clip, double scale)
    {
        using var a = new nn.Parameter(tensor<float>([1f, 2]));
        using var b = new nn.Parameter(tensor<float>([3f]));
        using var c = new nn.Parameter(tensor<float>([1f, 2, 3]));
        using var clipped = new optim.AdamW([Group(0.1, ("a", a), ("b", b))], 0.1);
        using var plain = new optim.AdamW([Group(0.1, ("c", c))], 0.1);
        (a.grad, b.grad, c.grad) = (tensor<float>([3f, 0]), tensor<float>([-4f]), tensor<float>([3f, 0, -4]));
        Assert.Equal([5, 1], clipped.step_clipped(clip).ToArray<double>());
        plain.step(scale);
        Assert.Equal(c.ToArray<float>(), a.ToArray<float>().Concat(b.ToArray<float>()));
        Assert.Equal(1, clipped.StepCount);
    }

    [Fact]
    public void StepClipped_NormNotFinite_UpdatesNothing()
    {
        using var p = new nn.Parameter(ones([3]));
        using var adam = new optim.AdamW([Group(0.1, ("p", p))], 0.1);
        p.grad = tensor<float>([1f, float.NaN, 1]);
        Assert.Equal(0, adam.step_clipped(1).ToArray<double>()[1]);
        Assert.Equal([1f, 1, 1], p.ToArray<float>());
        Assert.All(adam.State.Single().ExpAvg.ToArray<float>(), m => Assert.Equal(0, m));
    }

    [Fact]
    public void DeviceStep_TakesTheStep()
    {
        using var p = new nn.Parameter(ones([3]));
        using var adam = new optim.AdamW([Group(0.1, ("p", p))], 0.1) { LearningRate = 0.5 };
        var seen = new List<optim.AdamWStep>();
        adam.DeviceStep = s =>
        {
            seen.Add(s);
            return tensor([2.0, 1]);
        };
        p.grad = ones([3]);
        adam.step(0.25);
        Assert.Equal(2, adam.step_clipped(3).ToArray<double>()[0]);
        Assert.Equal([1f, 1, 1], p.ToArray<float>());
        Assert.Equal([new optim.AdamWStep(0.5, 0.9, 0.999, 1e-8, 1, 0.25, null), new optim.AdamWStep(0.5, 0.9, 0.999, 1e-8, 2, 1, 3)], seen);
    }

    [Fact]
    public void Step_Groups_DecayOnlyWhatTheySay()
    {
        using var decayed = new nn.Parameter(ones([9]));
        using var free = new nn.Parameter(ones([9]));
        using var adam = new optim.AdamW([Group(0.5, ("a", decayed)), Group(0, ("b", free))], 0.1);
        decayed.grad = zeros([9]);
        free.grad = zeros([9]);
        adam.step();
        adam.step();
        Assert.All(decayed.ToArray<float>(), v => Assert.Equal(0.95 * 0.95, v, 6));
        Assert.All(free.ToArray<float>(), v => Assert.Equal(1f, v));
    }

    [Fact]
    public void Step_ParameterWithoutGradient_IsLeftAlone()
    {
        using var p = new nn.Parameter(ones([3]));
        using var adam = new optim.AdamW([Group(0.5, ("p", p))], 0.1);
        adam.step();
        Assert.All(p.ToArray<float>(), v => Assert.Equal(1f, v));
    }

    [Fact]
    public void State_IsNamedInOrderAndRestorable()
    {
        using var p = new nn.Parameter(tensor<float>([1f, 2]));
        using var q = new nn.Parameter(tensor<float>([1f, 2]));
        using var a = new optim.AdamW([Group(0.1, ("first", p))], 0.1);
        p.grad = tensor<float>([1f, -1]);
        a.step();
        using (no_grad())
        {
            q.copy_(p);
        }

        using var b = new optim.AdamW([Group(0.1, ("first", q))], 0.1) { StepCount = a.StepCount };
        foreach (((string name, Tensor m, Tensor v), (string other, Tensor m2, Tensor v2)) in a.State.Zip(b.State))
        {
            Assert.Equal("first", name);
            Assert.Equal(name, other);
            m2.copy_(m);
            v2.copy_(v);
        }

        p.grad = tensor<float>([0.5f, 3]);
        q.grad = tensor<float>([0.5f, 3]);
        a.step();
        b.step();
        Assert.Equal(p.ToArray<float>(), q.ToArray<float>());
        Assert.Throws<ArgumentException>(() => new optim.AdamW([Group(0, ("x", p)), Group(0, ("x", q))], 0.1));
    }

    [Fact]
    public void Step_Fused_IsAChangeInPlaceForAutograd()
    {
        using var p = new nn.Parameter(ones([3]));
        using var adam = new optim.AdamW([Group(0, ("p", p))], 0.1);
        Tensor x = ones([3]).requires_grad_();
        Tensor y = (x * p).sum();
        p.grad = ones([3]);
        adam.step();
        // y's graph saved the old p.
        var e = Assert.Throws<TorchException>(() => y.backward());
        Assert.Contains("inplace", e.Message, StringComparison.Ordinal);
    }

    private static optim.ParamGroup Group(double decay, params (string, nn.Parameter)[] parameters) => new(parameters, decay);

    // Loshchilov and Hutter 2019, algorithm 2, with the decay applied first as torch does.
    private static void Transcribe(double[] p, float[] g, double[] m, double[] v, int t, double scale, double decay)
    {
        for (int k = 0; k < p.Length; k++)
        {
            double grad = g[k] * scale;
            p[k] -= Lr * decay * p[k];
            m[k] = (0.9 * m[k]) + (0.1 * grad);
            v[k] = (0.999 * v[k]) + (0.001 * grad * grad);
            double first = m[k] / (1 - Math.Pow(0.9, t));
            double second = v[k] / (1 - Math.Pow(0.999, t));
            p[k] -= Lr * first / (Math.Sqrt(second) + 1e-8);
        }
    }
}
