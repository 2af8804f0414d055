using GenoSeq.Emulator;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Kernels.Reference;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>The embedding's kernels on the emulator against the fp64 reference.</summary>
public sealed class EmbeddingKernelTests
{
    // The look-up is exact but for the rounding to bf16; gradients are sums of exact numbers in single precision.
    private const double Exact = 0, Bf16 = 2.5e-3, Sums = 2e-6;

    [Theory]
    [InlineData(12, 2, 37, 24, false, false)]
    [InlineData(16, 3, 129, 256, true, false)]
    [InlineData(16, 1, 70, 200, true, true)]
    [InlineData(5, 2, 33, 8, false, true)]
    [InlineData(264, 2, 45, 264, true, false)]
    [InlineData(264, 1, 4200, 8, false, true)]
    [InlineData(512, 1, 9, 520, false, false)]
    public void Embedding_AnySize_MatchesReference(int vocab, int batch, int length, int width, bool both, bool single)
    {
        using DisposeScope scope = NewDisposeScope();
        ScalarType type = single ? float32 : bfloat16;
        var sample = new Sample(vocab + length);
        int[] ids = sample.Ints(0, vocab, batch * length);
        int[] map = both ? Sample.Complement(vocab) : [];
        Tensor? complement = both ? tensor(map) : null;
        (Tensor weight, double[] w) = sample.Normal(float32, vocab, width);
        Tensor idsTensor = tensor(ids, batch, length);
        var device = new EmulatedDevice();

        Tensor y = EmbeddingKernels.Forward(device, idsTensor, weight, complement, type);
        var expected = new double[ids.Length * (both ? 2 : 1) * width];
        EmbeddingReference.Forward<double>(ids, length, w, width, map, expected);
        Assert.Equal([batch * (both ? 2 : 1), length, width], y.shape);
        Assert.True(Numbers.NormError(Sample.Doubles(y), expected) <= (single ? Exact : Bf16));

        (Tensor dx, double[] g) = sample.Normal(type, y.shape);
        Tensor dw = EmbeddingKernels.Backward(device, idsTensor, vocab, complement, dx);
        var truth = new double[vocab * width];
        EmbeddingReference.Backward<double>(ids, length, g, width, map, truth);
        Assert.Equal([vocab, width], dw.shape);
        Assert.True(Numbers.NormError(Sample.Doubles(dw), truth) <= Sums, $"off by {Numbers.NormError(Sample.Doubles(dw), truth):g3}");
        Tensor again = EmbeddingKernels.Backward(new EmulatedDevice { Resident = 3, Seed = 5 }, idsTensor, vocab, complement, dx);
        Assert.Equal(Sample.Bits(dw), Sample.Bits(again));
    }

    [Fact]
    public void Embedding_IdsOutsideTheVocabulary_GiveNaNAndNoGradient()
    {
        using DisposeScope scope = NewDisposeScope();
        var device = new EmulatedDevice();
        Tensor ids = tensor([0, -1, 12, 3], 1, 4);
        Tensor y = EmbeddingKernels.Forward(device, ids, ones([12, 8]), null, float32);
        Assert.Equal([1, float.NaN, float.NaN, 1], Enumerable.Range(0, 4).Select(t => y.ToArray<float>()[t * 8]));
        Tensor dw = EmbeddingKernels.Backward(device, ids, 12, null, ones([1, 4, 8]));
        Assert.Equal(2 * 8, dw.sum().item());
    }

    [Fact]
    public void Embedding_WrongArguments_AreNamed()
    {
        using DisposeScope scope = NewDisposeScope();
        var device = new EmulatedDevice();
        Assert.Contains("ids", Assert.Throws<ArgumentException>(() =>
            EmbeddingKernels.Forward(device, zeros([2, 3], int64), ones([12, 8]), null, float32)).Message, StringComparison.Ordinal);
        Assert.Contains("multiple of 8", Assert.Throws<ArgumentException>(() =>
            EmbeddingKernels.Forward(device, zeros([2, 3], int32), ones([12, 9]), null, float32)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => EmbeddingKernels.Forward(device, zeros([2, 3], int32), ones([12, 8]), null, float16));
    }
}
