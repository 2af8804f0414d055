using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class InitTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Linear_Default_FillsTheIntervalOfOneOverRootIn()
    {
        manual_seed(5);
        using var l = new nn.Linear(400, 300, hasBias: true);
        float[] w = l.weight.ToArray<float>();
        const double bound = 1.0 / 20;
        Assert.InRange(w.Max(), 0.999 * bound, bound);
        Assert.InRange(w.Min(), -bound, -0.999 * bound);
        Assert.InRange(w.Average(), -3e-4, 3e-4);
        Assert.InRange(w.Average(x => (double)x * x), 0.99 * bound * bound / 3, 1.01 * bound * bound / 3);
        Assert.All(l.bias!.ToArray<float>(), b => Assert.InRange(b, -bound, bound));
        Assert.True(l.weight.is_leaf);
    }

    [Theory]
    [InlineData(0.0, 0.5)]
    [InlineData(1.0, 0.3535533905932738)]
    public void KaimingUniform_ConvolutionWeight_CountsTheKernelIntoFanIn(double a, double bound)
    {
        // fan_in = 6 * 4 = 24: sqrt(6 / ((1 + a^2) 24))
        manual_seed(6);
        Tensor w = nn.init.kaiming_uniform_(empty([500, 6, 4]), a);
        Assert.InRange(w.abs().max().ToDouble(), 0.999 * bound, bound);
    }

    [Fact]
    public void Embedding_Default_IsStandardNormal()
    {
        manual_seed(7);
        using var e = new nn.Embedding(500, 200);
        float[] w = e.weight.ToArray<float>();
        Assert.InRange(w.Average(), -0.015, 0.015);
        Assert.InRange(w.Average(x => (double)x * x), 0.98, 1.02);
        Assert.InRange(w.Average(x => Math.Pow(x, 4)), 2.9, 3.1);
    }

    [Fact]
    public void NormalUniformConstant_FillInPlaceWithoutAGraph()
    {
        manual_seed(8);
        Tensor t = zeros([50_000]).requires_grad_();
        Assert.Same(t, nn.init.normal_(t, 3, 0.5));
        float[] w = t.ToArray<float>();
        Assert.InRange(w.Average(), 2.99, 3.01);
        Assert.InRange(w.Average(x => Math.Pow(x - 3, 2)), 0.24, 0.26);
        nn.init.uniform_(t, -1, 3);
        w = t.ToArray<float>();
        Assert.InRange(w.Min(), -1f, -0.99f);
        Assert.InRange(w.Max(), 2.99f, 3f);
        nn.init.constant_(t, 0.25);
        Assert.All(t.ToArray<float>(), v => Assert.Equal(0.25f, v));
        Assert.True(t.is_leaf);
    }
}
