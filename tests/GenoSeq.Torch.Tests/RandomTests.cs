using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class RandomTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void ManualSeed_SameSeed_SameNumbers()
    {
        manual_seed(7);
        float[] a = randn([100]).ToArray<float>();
        long[] p = randperm(50).ToArray<long>();
        manual_seed(7);
        Assert.Equal(a, randn([100]).ToArray<float>());
        Assert.Equal(p, randperm(50).ToArray<long>());
        manual_seed(8);
        Assert.NotEqual(a, randn([100]).ToArray<float>());
    }

    [Fact]
    public void SetRngState_ResumesTheStreamWhereItWas()
    {
        manual_seed(1);
        rand([13]);
        Tensor state = get_rng_state();
        float[] next = randn([33]).ToArray<float>();
        float[] after = rand([5]).ToArray<float>();
        set_rng_state(state);
        Assert.Equal(next, randn([33]).ToArray<float>());
        Assert.Equal(after, rand([5]).ToArray<float>());
        Assert.Equal(ScalarType.Byte, state.dtype);
    }

    [Fact]
    public void SetRngState_WrongState_IsRefused()
    {
        Tensor before = get_rng_state();
        Assert.Throws<TorchException>(() => set_rng_state(zeros([8], ScalarType.Byte)));
        Assert.True(before.equal(get_rng_state()));
    }

    [Fact]
    public void Rand_RandintAndRandn_KeepTheirRangesAndMoments()
    {
        manual_seed(3);
        float[] u = rand([100_000]).ToArray<float>();
        Assert.InRange(u.Min(), 0, 1e-3f);
        Assert.InRange(u.Max(), 0.999f, 0.9999999f);
        Assert.Equal(0.5, u.Average(), 2);
        long[] k = randint(-2, 3, [10_000]).ToArray<long>();
        Assert.Equal(new long[] { -2, -1, 0, 1, 2 }, k.Distinct().Order());
        float[] z = randn([100_000]).ToArray<float>();
        Assert.InRange(z.Average(), -0.015, 0.015);
        Assert.InRange(z.Average(x => (double)x * x), 0.98, 1.02);
    }

    [Fact]
    public void SetNumThreads_IsKeptAndResultsAgree()
    {
        (int before, int blas) = (get_num_threads(), get_blas_threads());
        try
        {
            Tensor x = randn([300, 300], float64);
            set_num_threads(1);
            Assert.Equal((1, Math.Min(blas, 1)), (get_num_threads(), get_blas_threads()));
            Tensor one = x.matmul(x);
            set_num_threads(2);
            Assert.Equal((2, blas == 0 ? 0 : 2), (get_num_threads(), get_blas_threads()));
            Assert.True(one.allclose(x.matmul(x)));
            Assert.Throws<ArgumentOutOfRangeException>(() => set_num_threads(0));
        }
        finally
        {
            set_num_threads(before);
        }
    }
}
