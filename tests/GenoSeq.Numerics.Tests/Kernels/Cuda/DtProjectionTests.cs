using GenoSeq.Emulator;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>The way back through dt_proj on the emulator against plain sums in double precision.</summary>
public sealed class DtProjectionTests
{
    [Theory]
    [InlineData(1, 1, 8, 8)]
    [InlineData(2, 7, 24, 8)]
    [InlineData(1, 16, 64, 16)]
    [InlineData(3, 33, 136, 24)]
    [InlineData(1, 1031, 72, 16)]
    [InlineData(2, 131, 512, 16)]
    [InlineData(1, 67, 512, 32)]
    [InlineData(1, 40, 1024, 16)]
    public void Backward_MatchesSums(int batch, int length, int channels, int rank)
    {
        Check(batch, length, channels, rank, 2, new EmulatedDevice());
        Check(batch, length, channels, rank, 1, new EmulatedDevice { Processors = 3, Seed = 7, Resident = 2 });
    }

    [Fact]
    public void Backward_NoRows_GivesZeros()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] gradients = DtProjectionKernels.Backward(new EmulatedDevice(), new DtProjection(
            Half(2, 0, 16), Half(2, 0, 8), Half(16, 8), Half(2, 0, 8)));
        Assert.All(Sample.Doubles(gradients[0]), v => Assert.Equal(0, v));
    }

    [Fact]
    public void Backward_UnfitInputs_AreRefused()
    {
        using DisposeScope scope = NewDisposeScope();
        var device = new EmulatedDevice();
        Assert.False(DtProjectionKernels.Takes(ScalarType.Float32, 64, 8));
        Assert.False(DtProjectionKernels.Takes(ScalarType.BFloat16, 64, 40));
        Assert.False(DtProjectionKernels.Takes(ScalarType.BFloat16, 2048, 16));
        Assert.Throws<ArgumentException>(() => DtProjectionKernels.Backward(device));
        Assert.Throws<ArgumentException>(() => DtProjectionKernels.Backward(device, new DtProjection(
            zeros([1, 4, 16]), zeros([1, 4, 8]), zeros([16, 8]), zeros([1, 4, 8]))));
        Assert.Throws<ArgumentException>(() => DtProjectionKernels.Backward(device, new DtProjection(
            Half(1, 4, 16), Half(1, 5, 8), Half(16, 8), Half(1, 5, 8))));
    }

    private static Tensor Half(params long[] size) => zeros(size, bfloat16);

    private static void Check(int batch, int length, int channels, int rank, int count, EmulatedDevice device)
    {
        using DisposeScope scope = NewDisposeScope();
        var sample = new Sample(length + channels);
        var all = new DtProjection[count];
        var expected = new (double[] DDt, double[] DWeight)[count];
        int rows = batch * length;
        for (int d = 0; d < count; d++)
        {
            (Tensor ddelta, double[] g) = sample.Normal(bfloat16, batch, length, channels);
            (Tensor dt, double[] t) = sample.Normal(bfloat16, batch, length, rank);
            (Tensor weight, double[] w) = sample.Normal(bfloat16, channels, rank);
            // As in rows of [dt, B, C].
            Tensor projected = full([batch, length, rank + 32], double.NaN, bfloat16).narrow(2, 0, rank);
            projected.copy_(dt);
            all[d] = new DtProjection(ddelta, projected, weight, full([batch, length, rank + 32], double.NaN, bfloat16).narrow(2, 0, rank));
            double[] ddt = new double[rows * rank], dw = new double[channels * rank];
            for (int r = 0; r < rows; r++)
            {
                for (int c = 0; c < channels; c++)
                {
                    for (int k = 0; k < rank; k++)
                    {
                        ddt[(r * rank) + k] += g[(r * channels) + c] * w[(c * rank) + k];
                        dw[(c * rank) + k] += g[(r * channels) + c] * t[(r * rank) + k];
                    }
                }
            }

            expected[d] = (ddt, dw);
        }

        Tensor[] gradients = DtProjectionKernels.Backward(device, all);
        for (int d = 0; d < count; d++)
        {
            double error = Numbers.NormError(Sample.Doubles(all[d].DDt), expected[d].DDt);
            Assert.True(error < 4e-3, $"ddt is off by {error:g3}");
            error = Numbers.NormError(Sample.Doubles(gradients[d]), expected[d].DWeight);
            Assert.True(error < 1e-5, $"the weight's gradient is off by {error:g3}");
        }
    }
}
