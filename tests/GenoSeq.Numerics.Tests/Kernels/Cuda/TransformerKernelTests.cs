using GenoSeq.Emulator;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Kernels.Reference;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>Rotary positions and the gated product on the emulator against the fp64 references.</summary>
public sealed class TransformerKernelTests
{
    // Relative norms: rounding of the outputs.
    private const double F32 = 1e-6, Bf16 = 2.5e-3;

    [Theory]
    [InlineData(2, 37, 4, 2, 32, false)]
    [InlineData(1, 5, 3, 1, 64, true)]
    [InlineData(2, 19, 2, 2, 20, false)]
    [InlineData(1, 7, 1, 0, 6, true)]
    public void Rope_PackedOrNot_MatchesReference(int batch, int length, int heads, int kvHeads, int dHead, bool single)
    {
        using DisposeScope scope = NewDisposeScope();
        ScalarType type = single ? float32 : bfloat16;
        var sample = new Sample(dHead);
        (Tensor packed, _) = sample.Normal(type, batch, length, heads + (2 * kvHeads), dHead);
        (Tensor angles, _) = sample.Normal(float32, length + 3, dHead / 2);
        (Tensor cos, Tensor sin) = (angles.cos(), angles.sin());
        Tensor q = packed.narrow(2, 0, heads);
        Tensor? k = kvHeads == 0 ? null : packed.narrow(2, heads, kvHeads);
        var device = new EmulatedDevice();
        Tensor qr = empty(q.shape, type);
        Tensor? kr = k is null ? null : empty(k.shape, type);
        RopeKernels.Run(device, q, qr, k, kr, cos, sin, false);
        Check(q, qr, false);
        if (k is not null) Check(k, kr!, false);

        // The inverse leads back, in place.
        double[] rotated = Sample.Doubles(qr);
        RopeKernels.Run(device, qr, qr, kr, kr, cos, sin, true);
        Assert.True(Numbers.NormError(Sample.Doubles(qr), Sample.Doubles(q)) <= 2 * (single ? F32 : Bf16));
        Assert.NotEqual(rotated, Sample.Doubles(qr));

        // Views of the packed rows, in place: what is not rotated stays.
        double[] values = Sample.Doubles(packed.narrow(2, heads + kvHeads, kvHeads));
        (double[] before, Tensor all) = (Sample.Doubles(q), packed.narrow(2, 0, heads + kvHeads));
        RopeKernels.Run(device, all, all, null, null, cos, sin, false);
        Assert.Equal(rotated, Sample.Doubles(q));
        Assert.NotEqual(before, Sample.Doubles(q));
        Assert.Equal(values, Sample.Doubles(packed.narrow(2, heads + kvHeads, kvHeads)));

        void Check(Tensor x, Tensor y, bool inverse)
        {
            double[] truth = Sample.Doubles(x);
            RopeReference.Rotate<double>(truth, length, (int)x.size(2), dHead / 2, Sample.Doubles(cos), Sample.Doubles(sin), inverse);
            double error = Numbers.NormError(Sample.Doubles(y), truth);
            Assert.True(error <= (single ? F32 : Bf16), $"off by {error:g3}");
        }
    }

    [Theory]
    [InlineData(2, 33, 64, true, false)]
    [InlineData(1, 7, 2400, true, false)]
    [InlineData(3, 5, 40, false, true)]
    [InlineData(1, 9, 13, true, true)]
    [InlineData(1, 9, 13, false, false)]
    public unsafe void SwiGlu_PackedOrNot_MatchesReference(int batch, int length, int width, bool packed, bool single)
    {
        using DisposeScope scope = NewDisposeScope();
        ScalarType type = single ? float32 : bfloat16;
        var sample = new Sample(width);
        (Tensor both, _) = sample.Normal(type, batch, length, 2 * width);
        both.mul_(3);
        Tensor gate = both.narrow(-1, 0, width);
        Tensor up = both.narrow(-1, width, width);
        if (!packed) (gate, up) = (gate.contiguous(), up.contiguous());
        (Tensor dout, double[] d) = sample.Normal(type, batch, length, width);
        var device = new EmulatedDevice();
        Tensor y = packed ? SwiGluKernels.Forward(device, both) : empty(gate.shape, type);
        if (!packed) SwiGluKernels.Forward(device, gate, up, y);
        Tensor dgate = empty_like(gate);
        Tensor dup = empty_like(up);
        if (packed)
        {
            Tensor gradient = SwiGluKernels.Backward(device, both, dout);
            (dgate, dup) = (gradient.narrow(-1, 0, width), gradient.narrow(-1, width, width));
        }
        else
        {
            SwiGluKernels.Backward(device, gate, up, dout, dgate, dup);
        }

        (double[] g, double[] u) = (Sample.Doubles(gate), Sample.Doubles(up));
        var (ty, tg, tu) = (new double[g.Length], new double[g.Length], new double[g.Length]);
        fixed (double* gp = g, upp = u, dp = d, yp = ty, dgp = tg, dupp = tu)
        {
            var x = new SwiGluInputs<double>
            {
                Batch = batch,
                Length = length,
                Channels = width,
                Gate = Rows.Dense(gp, length, width),
                Up = Rows.Dense(upp, length, width),
            };
            SwiGluReference.Forward(x, Rows.Dense(yp, length, width));
            SwiGluReference.Backward(x, new SwiGluGradients<double>
            {
                DOut = Rows.Dense(dp, length, width),
                DGate = Rows.Dense(dgp, length, width),
                DUp = Rows.Dense(dupp, length, width),
            });
        }

        double tolerance = single ? F32 : Bf16;
        Assert.True(Numbers.NormError(Sample.Doubles(y), ty) <= tolerance);
        Assert.True(Numbers.NormError(Sample.Doubles(dgate), tg) <= tolerance);
        Assert.True(Numbers.NormError(Sample.Doubles(dup), tu) <= tolerance);
    }
}
