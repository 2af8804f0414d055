using GenoSeq.Emulator;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>The kernels of engine E1 on the emulated device against libtorch's operators in double precision, which are the loop's (DiagonalScanTests).</summary>
public sealed class DiagonalScanKernelTests
{
    /// <summary>Segments of several groups, of one position, and of the device's choice, ten of the last case's.</summary>
    [Theory]
    [InlineData(1, 5, false, true, false, null)]
    [InlineData(37, 9, false, false, true, 37L)]
    [InlineData(75, 70, true, true, false, 20L)]
    [InlineData(41, 33, true, false, true, 1L)]
    [InlineData(613, 3, true, true, false, null)]
    public void Real_AnySegments_IsTheOperators(int length, int channels, bool packed, bool hasState, bool repeated, long? positions)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(length + channels);
        Tensor? ids = packed ? Ids(length) : null;
        // Some factors leave nothing, some everything.
        Tensor a = randn([2, length, repeated ? 1 : channels]).mul(4).sigmoid(), x = randn([2, length, channels]);
        Check([a, x, hasState ? randn([2, channels]) : null], (t, device) =>
        {
            Tensor factors = t[0]!.expand(x.shape);
            return device is null
                ? DiagonalScan.Run(factors, t[1]!, t[2], ids)
                : DiagonalScanKernel.Run(device, factors, t[1]!, t[2], ids, positions);
        });
    }

    [Theory]
    [InlineData(1, 5, true, true, true, null)]
    [InlineData(37, 9, false, false, false, null)]
    [InlineData(75, 35, true, false, true, 20L)]
    [InlineData(41, 33, true, true, false, 1L)]
    [InlineData(613, 3, false, false, true, null)]
    public void Complex_AnySegments_IsTheOperators(int length, int channels, bool packed, bool earlier, bool hasState, long? positions)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(length + channels);
        // Where ids begin one position earlier, the first entry's state is of another sequence.
        Tensor? ids = !packed ? null : earlier ? cat([Ids(length).narrow(1, 0, 1) + tensor([1, 0], 2, 1), Ids(length)], 1) : Ids(length);
        // Radii from 1/20 to 0.9999, angles of more than a turn.
        Tensor r = rand([channels]).mul(8).sub(7.5).exp().neg(), w = randn([channels]).mul(4), x = randn([2, length, 2 * channels]);
        Check([r, w, x, hasState ? randn([2, 2 * channels]) : null], (t, device) => device is not null
            ? DiagonalScanKernel.Rotate(device, t[0]!, t[1]!, t[2]!, t[3], ids, positions)
            : earlier
                ? RotatingScan.From(t[0]!, t[1]!, t[2]!, t[3] ?? zeros([2, 2 * channels], float64), ids)
                : RotatingScan.Run(t[0]!, t[1]!, t[2]!, t[3], ids));
    }

    [Fact]
    public void Run_OnADevice_TakesTheKernels_AndTheLastStateAloneHasAGradient()
    {
        using DisposeScope scope = NewDisposeScope();
        var names = new List<string>();
        var device = new EmulatedDevice { Launched = (f, _) => names.Add(f.Name) };
        using EmulatedDevice.Scope use = device.Use();
        Tensor x = randn([1, 300, 4]).requires_grad_(), a = full([1, 300, 4], 0.5);
        DiagonalScan.Run(a, x, null, null).Last.sum().backward();
        Closeness.Check([1, 0.5, 0.25], x.grad!.select(2, 1).flatten().flip(0).narrow(0, 0, 3), 1e-6, "gradient of x");
        x.grad!.zero_();
        RotatingScan.Run(full([2], Math.Log(0.5)), full([2], Math.PI), x, null, null).Last.sum().backward();
        Closeness.Check([1, -0.5, 0.25], x.grad!.select(2, 1).flatten().flip(0).narrow(0, 0, 3), 1e-6, "gradient of x, rotating");
        string[] segmented = ["gs_diag_ends", "gs_diag_carry", "gs_diag_fwd", "gs_diag_ends", "gs_diag_carry", "gs_diag_bwd"];
        Assert.Equal([.. segmented, .. segmented, "gs_sum_rows"], names);
    }

    [Fact]
    public void Positions_FillTheDevice_AndKeepTheCarryShort()
    {
        var device = new EmulatedDevice { Processors = 132 };
        Assert.Equal(8192, DiagonalScanKernels.Positions(device, 128 * 256, 8192));
        Assert.Equal(256, DiagonalScanKernels.Positions(device, 1, 256));
        Assert.Equal((1 << 20) / 264 + 1, DiagonalScanKernels.Positions(device, 256, 1 << 20));
        Assert.Equal(512, DiagonalScanKernels.Positions(device, 1, 1 << 20));
        Assert.Equal(60, DiagonalScanKernels.Positions(device, 8, 300));
    }

    private static Tensor Ids(int length)
    {
        int[] ids = [.. Enumerable.Range(0, length).Select(t => t / 13)];
        return tensor([.. ids, .. ids.Select((_, t) => (t + 5) / 22)], 2, length);
    }

    private static void Check(Tensor?[] inputs, Func<Tensor?[], KernelDevice?, (Tensor H, Tensor Last)> run)
    {
        Tensor?[]? weights = null;
        Tensor[] Results(ScalarType type, KernelDevice? device)
        {
            Tensor?[] leaves = Array.ConvertAll(inputs, t => t?.to(type).detach().clone().requires_grad_());
            (Tensor h, Tensor last) = run(leaves, device);
            weights ??= [randn(h.shape, float64), randn(last.shape, float64)];
            ((h * weights[0]!.to(type)).sum() + (last * weights[1]!.to(type)).sum()).backward();
            return [h, last, .. leaves.Where(t => t is not null).Select(t => t!.grad!)];
        }

        Tensor[] expected = Results(float64, null), actual = Results(float32, new EmulatedDevice());
        Tensor[] again = Results(float32, new EmulatedDevice { Seed = 7 });
        for (int i = 0; i < expected.Length; i++)
        {
            string what = i switch { 0 => "h", 1 => "last", _ => $"gradient of input {i - 2}" };
            Closeness.Check(expected[i], actual[i], 1e-5, what);
            Closeness.Bitwise(actual[i], again[i], what);
        }
    }
}
