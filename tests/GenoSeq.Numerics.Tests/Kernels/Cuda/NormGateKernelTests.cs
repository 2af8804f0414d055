using GenoSeq.Emulator;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Kernels.Reference;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>The kernels of norm and gate on the emulator against the fp64 references.</summary>
public sealed unsafe class NormGateKernelTests
{
    // Relative norms: rounding of the outputs; g and dz of the gate see a rounded sum too.
    private const double F32 = 1e-5, Bf16 = 4e-3, Epsilon = 1e-5;

    [Theory]
    [InlineData(8)]
    [InlineData(64)]
    [InlineData(200)]
    [InlineData(256)]
    [InlineData(520)]
    public void Norm_AnyRowsAndWidth_MatchReference(int width)
    {
        for (int rows = 1; rows <= 70; rows += width > 100 ? 13 : 3)
        {
            Norm(rows, width, single: rows % 2 == 0, hasH: rows % 5 != 2, hasResidual: rows % 3 != 1 || rows % 5 == 2, rows % 4 < 2);
        }
    }

    [Fact]
    public void Norm_Twice_OrInAnotherOrderOfThreads_GivesTheSameBits()
    {
        using DisposeScope scope = NewDisposeScope();
        var sample = new Sample(1);
        (Tensor sum, _) = sample.Normal(float32, 101, 264);
        (Tensor weight, _) = sample.Normal(float32, 264);
        (Tensor dy, _) = sample.Normal(bfloat16, 101, 264);
        (Tensor DSum, Tensor? DH, Tensor DWeight) first = Run(new EmulatedDevice());
        foreach (EmulatedDevice device in (EmulatedDevice[])[new EmulatedDevice(), new EmulatedDevice { Resident = 4, Seed = 1 }])
        {
            (Tensor DSum, Tensor? DH, Tensor DWeight) second = Run(device);
            Assert.Equal(Sample.Bits(first.DSum), Sample.Bits(second.DSum));
            Assert.Equal(Sample.Bits(first.DH!), Sample.Bits(second.DH!));
            Assert.Equal(Sample.Bits(first.DWeight), Sample.Bits(second.DWeight));
        }

        (Tensor, Tensor?, Tensor) Run(EmulatedDevice device) => NormKernels.Backward(device, sum, null, weight, Epsilon, dy, null, false, true);
    }

    [Fact]
    public void Norm_FiniteDifferences_AgreeWithGradients()
    {
        using DisposeScope scope = NewDisposeScope();
        var device = new EmulatedDevice();
        var sample = new Sample(2);
        (Tensor r, _) = sample.Normal(float32, 5, 16);
        (Tensor weight, _) = sample.Normal(float32, 16);
        (Tensor dy, double[] g) = sample.Normal(float32, 5, 16);
        (Tensor move, double[] direction) = sample.Normal(float32, 5, 16);
        (Tensor dr, _, _) = NormKernels.Backward(device, r, null, weight, Epsilon, dy, null, false, false);
        double Objective(double by) => Sample.Doubles(NormKernels.Forward(device, null, r + (move * by), weight, Epsilon, float32, false, false).Y)
            .Zip(g, (a, b) => a * b).Sum();
        double expected = Sample.Doubles(dr).Zip(direction, (a, b) => a * b).Sum();
        Assert.Equal(expected, (Objective(1e-2) - Objective(-1e-2)) / 2e-2, 2e-3 * (1 + Math.Abs(expected)));
    }

    [Fact]
    public void Norm_UnfitInputs_AreRefused()
    {
        using DisposeScope scope = NewDisposeScope();
        var device = new EmulatedDevice();
        Assert.Throws<ArgumentException>(() => NormKernels.Forward(device, null, null, zeros([16]), 0, float32, false, false));
        Assert.Throws<ArgumentException>(() => NormKernels.Forward(device, zeros([2, 12]), null, zeros([12]), 0, float32, false, false));
        Assert.Throws<ArgumentException>(() => NormKernels.Forward(device, zeros([2, 16]), null, zeros([16]), 0, bfloat16, false, false));
        Assert.Throws<ArgumentException>(() => NormKernels.Forward(device, zeros([2, 2056]), null, zeros([2056]), 0, float32, false, false));
    }

    [Theory]
    [InlineData(40, true)]
    [InlineData(520, false)]
    public void GatedNorm_AnyRows_IsTheOperators(int width, bool single)
    {
        foreach (int rows in new[] { 1, 67 })
        {
            using DisposeScope scope = NewDisposeScope();
            Branch(rows, 1, width, single, true,
                (y, z, w) =>
                {
                    Tensor x = y * nn.functional.silu(z);
                    return x * x.square().mean([-1], true).add(Epsilon).rsqrt() * w!;
                },
                (device, y, z, w, dout, dz) =>
                {
                    Tensor result = GatedNormKernels.Forward(device, y.view(1, rows, width), z, w!, Epsilon);
                    (Tensor dy, Tensor dw) = GatedNormKernels.Backward(device, y.view(1, rows, width), z, w!, Epsilon, dout, dz);
                    return [result, dy, dz, dw];
                });
        }
    }

    [Theory]
    [InlineData(16, true, true)]
    [InlineData(40, false, true)]
    [InlineData(40, false, false)]
    public void NormGate_AnyRows_IsTheOperators(int width, bool single, bool silu)
    {
        foreach (int rows in new[] { 1, 67 })
        {
            using DisposeScope scope = NewDisposeScope();
            Branch(rows, 3, width, single, silu,
                (y, z, w) =>
                {
                    Tensor n = y * y.square().mean([-1], true).add(Epsilon).rsqrt();
                    return (w is null ? n : n * w).flatten(2) * (silu ? nn.functional.silu(z) : z.sigmoid());
                },
                (device, y, z, w, dout, dz) =>
                {
                    Tensor result = NormGateKernels.Forward(device, y, z, w, Epsilon, silu);
                    (Tensor dy, Tensor? dw) = NormGateKernels.Backward(device, y, z, w, Epsilon, silu, dout, dz);
                    return w is null ? [result, dy, dz] : [result, dy, dz, dw!];
                });
        }
    }

    private delegate Tensor[] OnDevice(EmulatedDevice device, Tensor y, Tensor z, Tensor? weight, Tensor dout, Tensor dz);

    // Result and gradients of a norm with a gate: y [1, rows, heads, width], z among other columns.
    private static void Branch(int rows, int heads, int width, bool single, bool weighted, Func<Tensor, Tensor, Tensor?, Tensor> operators, OnDevice kernels)
    {
        var sample = new Sample(rows);
        ScalarType type = single ? float32 : bfloat16;
        int all = heads * width;
        Tensor y = sample.Normal(type, 1, rows, heads, width).Tensor, given = sample.Normal(type, 1, rows, all).Tensor, dout = sample.Normal(type, 1, rows, all).Tensor;
        Tensor? w = weighted ? sample.Normal(float32, width).Tensor : null;
        Tensor[] wide = [y.to(float64).requires_grad_(), given.to(float64).requires_grad_(), .. w is null ? (Tensor[])[] : [w.to(float64).requires_grad_()]];
        Tensor truth = operators(heads == 1 ? wide[0].view(1, rows, width) : wide[0], wide[1], w is null ? null : wide[2]);
        Tensor[] expected = [truth.detach(), .. autograd.grad([truth], wide, [dout.to(float64)]).OfType<Tensor>()];
        Tensor z = full([1, rows, all + 24], double.NaN, type).narrow(2, 8, all), dz = full([1, rows, all + 8], double.NaN, type).narrow(2, 0, all);
        z.copy_(given);
        byte[][]? before = null;
        foreach (EmulatedDevice device in (EmulatedDevice[])[new EmulatedDevice(), new EmulatedDevice { Resident = 3, Seed = 1 }])
        {
            Tensor[] results = kernels(device, y, z, w, dout, dz);
            for (int i = 0; i < results.Length; i++)
            {
                double error = Numbers.NormError(Sample.Doubles(results[i]), Sample.Doubles(expected[i]));
                Assert.True(error < (single || i == 3 ? F32 : Bf16), $"{rows} x {heads} x {width}, result {i}: off by {error:g3}");
                Assert.True(before is null || Sample.Bits(results[i]).AsSpan().SequenceEqual(before[i]));
            }

            before = Array.ConvertAll(results, Sample.Bits);
        }
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public void Gate_AnyShape_MatchesReference(bool single, bool both)
    {
        for (int rows = 1; rows <= 70; rows += 3) Gate(rows, 8 * (1 + (rows % 6)), single, both, gap: rows % 2 * 16);
        Gate(131, 200, single, both, 8);
    }

    private static void Norm(int rows, int width, bool single, bool hasH, bool hasResidual, bool keepRstd)
    {
        using DisposeScope scope = NewDisposeScope();
        var device = new EmulatedDevice();
        ScalarType type = single ? float32 : bfloat16;
        var sample = new Sample(rows);
        (Tensor h, double[] hv) = sample.Normal(type, 1, rows, width);
        (Tensor r, double[] rv) = sample.Normal(float32, 1, rows, width);
        (Tensor weight, double[] w) = sample.Normal(float32, width);
        (Tensor dy, double[] g) = sample.Normal(type, 1, rows, width);
        (Tensor dSum, double[] ds) = sample.Normal(float32, 1, rows, width);
        double[] y = new double[hv.Length], sum = new double[hv.Length], rstd = new double[rows], dr = new double[hv.Length], dw = new double[width];
        if (!hasH) Array.Clear(hv);
        if (!hasResidual) Array.Clear(rv);
        bool hasDSum = rows % 2 == 1;
        fixed (double* ph = hv, pr = rv, pw = w, py = y, ps = sum, prs = rstd, pg = g, pds = ds, pdr = dr, pdw = dw)
        {
            Rows<double> Of(double* p) => Rows.Dense(p, rows, width);
            RmsNormReference.Forward(
                new RmsNormInputs<double> { Batch = 1, Length = rows, Channels = width, X = Of(ph), Residual = Of(pr), Weight = pw, Epsilon = Epsilon },
                new RmsNormOutputs<double> { Y = Of(py), ResidualSum = Of(ps), Rstd = prs });
            RmsNormReference.Backward(new RmsNormGradients<double>
            {
                Batch = 1,
                Length = rows,
                Channels = width,
                ResidualSum = Of(ps),
                Weight = pw,
                Rstd = prs,
                DY = Of(pg),
                DResidualSum = hasDSum ? Of(pds) : default,
                DX = Of(pdr),
                DWeight = pdw,
            });
        }

        (Tensor Y, Tensor? Sum, Tensor? Rstd) f = NormKernels.Forward(
            device, hasH ? h : null, hasResidual ? r : null, weight, Epsilon, type, keepSum: true, keepRstd);
        double tolerance = single ? F32 : Bf16;
        string what = $"{rows} x {width}";
        Near(f.Y, y, tolerance, what);
        Near(f.Sum!, sum, F32, what);
        if (keepRstd) Near(f.Rstd!, rstd, F32, what);
        bool inPlace = rows % 4 == 1;
        (Tensor DSum, Tensor? DH, Tensor DWeight) b = NormKernels.Backward(
            device, f.Sum!, f.Rstd, weight, Epsilon, dy, hasDSum ? dSum : null, inPlace, wantDH: true);
        Assert.Equal(inPlace && hasDSum, ReferenceEquals(b.DSum, dSum));
        Near(b.DSum, dr, F32, what);
        Near(b.DH!, dr, tolerance, what);
        Near(b.DWeight, dw, F32, what);
    }

    private static void Gate(int rows, int width, bool single, bool both, int gap)
    {
        using DisposeScope scope = NewDisposeScope();
        var device = new EmulatedDevice();
        ScalarType type = single ? float32 : bfloat16;
        var sample = new Sample(rows + width);
        (Tensor y0, double[] a) = sample.Normal(type, 2, rows, width);
        (Tensor y1, double[] b) = sample.Normal(type, 2, rows, width);
        (Tensor dense, double[] zv) = sample.Normal(type, 2, rows, width);
        (Tensor dout, double[] d) = sample.Normal(type, 2, rows, width);
        Tensor z = Strided();
        z.copy_(dense);
        Tensor output = Strided(), dz = Strided(), g = empty([2, rows, width], type), first = y0.clone();
        double[] sum = both ? [.. a.Zip(b, (x, y) => x + y)] : a;
        GateKernels.Forward(device, y0, both ? y1 : null, z, output, keepSum: true);
        double tolerance = single ? F32 : Bf16;
        string what = $"{rows} x {width}";
        Near(output, [.. sum.Zip(zv, (y, x) => y * ReferenceMath<double>.Silu(x))], tolerance, what);
        Near(y0, sum, tolerance, what);
        GateKernels.Backward(device, dout, y0, null, z, g, dz, null);
        Near(g, [.. d.Zip(zv, (x, y) => x * ReferenceMath<double>.Silu(y))], tolerance, what);
        Near(dz, [.. d.Select((x, i) => x * sum[i] * ReferenceMath<double>.SiluSlope(zv[i]))], tolerance, what);

        // Both passes at once, in place, give the same bits.
        Tensor fused = Strided();
        GateKernels.Backward(device, dout, first, both ? y1 : null, z, dout, fused, first);
        Same(output, first);
        Same(g, dout);
        Same(dz, fused);

        void Same(Tensor expected, Tensor actual) => Assert.True(
            Sample.Doubles(expected).AsSpan().SequenceEqual(Sample.Doubles(actual)), $"{what}, both passes at once");
        Tensor Strided() => full([2, rows, width + gap], double.NaN, type).narrow(2, gap, width);
    }

    private static void Near(Tensor actual, double[] expected, double tolerance, string what)
    {
        double error = Numbers.NormError(Sample.Doubles(actual), expected);
        Assert.True(error <= tolerance, $"{what}: off by {error:g3}");
    }
}
