using GenoSeq.Emulator;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>The scan's kernels on the emulator against the fp64 reference.</summary>
public sealed unsafe class ScanKernelTests
{
    // Relative norms. bf16: rounding of the outputs is 1.7e-3; checkpoints and y are saved as bf16, which dz, dA and dC feel.
    private const double F32 = 1e-5, Bf16 = 4e-3;

    [Theory]
    [InlineData(1, 16, 1)]
    [InlineData(7, 16, 1)]
    [InlineData(127, 24, 2)]
    [InlineData(128, 32, 1)]
    [InlineData(129, 48, 2)]
    [InlineData(1031, 24, 1)]
    public void Scan_AnyLength_MatchesReference(int length, int channels, int groups)
    {
        for (int variant = 0; variant < 4; variant++)
        {
            var c = new ScanCase
            {
                Batch = length < 200 ? 2 : 1, Length = length, Channels = channels, Reverse = variant % 2 == 1,
                Initial = variant > 1, FinalGradient = variant > 1, Resets = variant > 1,
            };
            Check(c, groups, wide: variant % 2 == 0, f32: variant < 3, new EmulatedDevice());
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Scan_WithoutOptionalInputs_MatchesReference(bool wide)
    {
        var c = new ScanCase { Batch = 2, Length = 130, Channels = 40, Gate = false, Skip = false, Bias = false };
        Check(c, 2, wide, f32: true, new EmulatedDevice());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Scan_StridedRows_MatchesReference(bool wide)
    {
        var c = new ScanCase { Batch = 2, Length = 67, Channels = 24, Gap = 16, Initial = true, Resets = true };
        Check(c, 1, wide, f32: false, new EmulatedDevice());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Scan_BlocksInRandomOrder_GivesTheSameBits(int seed)
    {
        var c = new ScanCase { Batch = 2, Length = 300, Channels = 48, Initial = true, FinalGradient = true, Resets = true, Reverse = true };
        var data = new ScanData(c, 3);
        Results expected = Run(c, data, 1, wide: false, f32: true, new EmulatedDevice());
        Results actual = Run(c, data, 1, wide: false, f32: true, new EmulatedDevice { Resident = 5, Seed = seed });
        Numbers.AssertSame(actual, expected, $"seed {seed}");
    }

    private static void Check(ScanCase c, int groups, bool wide, bool f32, EmulatedDevice device)
    {
        var data = new ScanData(c, c.Length);
        if (!f32)
        {
            foreach (double[]? values in (double[]?[])[data.U, data.Delta, data.B, data.C, data.Z, data.DOut]) DeviceMemory.RoundToBf16(values);
        }

        Results actual = Run(c, data, groups, wide, f32, device);
        Results truth = ScanRunner.Run<double>(c with { Gap = 0 }, data, KernelPath.Reference);
        Assert.Equal(truth.Keys.Order(StringComparer.Ordinal), actual.Keys.Order(StringComparer.Ordinal));
        foreach ((string name, double[] expected) in truth)
        {
            double error = Numbers.NormError(actual[name], expected);
            Assert.True(error <= (f32 ? F32 : Bf16), $"{c} {(f32 ? "fp32" : "bf16")}: {name} is off by {error:g3}");
        }
    }

    private static Results Run(ScanCase c, ScanData data, int groups, bool wide, bool f32, EmulatedDevice device)
    {
        using var memory = new DeviceMemory(f32);
        string[] io = f32 ? ["GS_F32_IO=1", "GS_CK_F32=1"] : [];
        int rows = c.Batch * c.Length, chunks = (c.Channels + 15) / 16, stride = c.Channels + c.Gap, states = c.Batch * c.Channels * c.States;
        var p = new ScanArguments { Scans = 1, Batch = c.Batch, Length = c.Length, DInner = c.Channels, Groups = groups, Tiles = (c.Length + 127) / 128 };
        p.Ticket = (uint*)memory.Raw(64, fill: 0);
        int ringBytes = ((c.Batch * chunks * 4 * ((2 * 16 * c.States) + 32)) + 64) * 8;
        p.Ring = (ulong*)memory.Raw(ringBytes, fill: 0);
        ref ScanArgument s = ref p.S[0];
        s.U = memory.Activations(data.U, c.Channels, stride);
        s.Delta = memory.Activations(data.Delta, c.Channels, stride);
        s.Z = memory.Activations(data.Z, c.Channels, stride);
        s.B = memory.Activations(data.B, c.States, c.States + c.Gap);
        s.C = memory.Activations(data.C, c.States, c.States + c.Gap);
        s.A = memory.Floats(data.A);
        s.Skip = memory.Floats(data.D);
        s.Bias = memory.Floats(data.Bias);
        s.H0 = memory.Floats(data.Initial);
        s.Ids = memory.Ints(data.Ids);
        s.Out = memory.Activations(rows, stride);
        s.HLast = memory.Floats(states);
        s.Y = memory.Activations(rows, c.Channels);
        s.Checkpoints = memory.Raw((long)c.Batch * ((c.Length + 15) / 16) * chunks * c.States * 16 * (f32 ? 4 : 2));
        s.DOut = memory.Activations(data.DOut, c.Channels, stride);
        s.DHLast = memory.Floats(data.DFinal);
        s.DU = memory.Activations(rows, c.Channels);
        s.DDelta = memory.Activations(rows, c.Channels);
        s.DZ = c.Gate ? memory.Activations(rows, c.Channels) : null;
        s.DH0 = c.Initial ? memory.Floats(states) : null;
        int sets = (chunks + groups - 1) / groups;
        s.PartBc = memory.Floats((long)sets * c.Batch * 2 * c.States * p.Tiles * 128);
        s.PartP = memory.Floats((long)c.Batch * chunks * ((c.States * 16) + 32));
        s.UStride = s.DeltaStride = s.ZStride = s.OutStride = s.DOutStride = stride;
        s.BStride = s.CStride = c.States + c.Gap;
        s.Reverse = c.Reverse ? 1 : 0;

        if (wide)
        {
            KernelFunction forward = device.Function(new KernelProgram(["common.cu", "scan_args.cu", "scan_fwd_wide.cu"], io), "gs_scan_fwd_wide", 32, f32 ? 17408 : 9216);
            device.Launch(forward, (c.Batch * ((c.Channels + 31) / 32), 1, 1), p);
        }
        else
        {
            KernelFunction forward = device.Function(new KernelProgram(["common.cu", "scan_args.cu", "scan_fwd.cu"], io), "gs_scan_fwd", 128, f32 ? 102672 : 74000);
            device.Launch(forward, (device.Resident, 1, 1), p);
            Clean(p, ringBytes);
        }

        KernelFunction backward = device.Function(new KernelProgram(["common.cu", "scan_args.cu", "scan_bwd.cu"], io), "gs_scan_bwd", 128, f32 ? 154192 : 113232);
        device.Launch(backward, (device.Resident, 1, 1), p);
        Clean(p, ringBytes);
        var results = new Results();
        results.Put("out", memory.Read(s.Out, rows, c.Channels, stride));
        results.Put("final", DeviceMemory.Read(s.HLast, states));
        results.Put("du", memory.Read(s.DU, rows, c.Channels, c.Channels));
        results.Put("ddelta", memory.Read(s.DDelta, rows, c.Channels, c.Channels));
        if (c.Gate) results.Put("dz", memory.Read(s.DZ, rows, c.Channels, c.Channels));
        if (c.Initial) results.Put("dinitial", DeviceMemory.Read(s.DH0, states));
        Reduce(c, device, memory, io, s, sets, results);
        memory.CheckGuards();
        return results;
    }

    private static void Reduce(
        ScanCase c, EmulatedDevice device, DeviceMemory memory, string[] io, in ScanArgument s, int sets, Results results)
    {
        var program = new KernelProgram(["common.cu", "scan_args.cu", "scan_reduce.cu"], io);
        int rows = c.Batch * c.Length, tiles = (c.Length + 127) / 128;
        void* db = memory.Activations(rows, c.States), dc = memory.Activations(rows, c.States);
        var bc = new ReduceBcArguments
        {
            Sets = sets, Batch = c.Batch, Length = c.Length, Padded = tiles * 128, DbStride = c.States, DcStride = c.States,
        };
        (bc.Part[0], bc.Db[0], bc.Dc[0], bc.Reverse[0]) = ((nint)s.PartBc, (nint)db, (nint)dc, s.Reverse);
        device.Launch(device.Function(program, "gs_scan_reduce_bc", 128), (tiles, c.Batch, 1), bc);
        float* da = memory.Floats(c.Channels * c.States), dskip = memory.Floats(c.Channels), dbias = memory.Floats(c.Channels);
        var parameters = new ReducePArguments { Batch = c.Batch, DInner = c.Channels };
        (parameters.Part[0], parameters.Da[0], parameters.DSkip[0], parameters.DBias[0]) = ((nint)s.PartP, (nint)da, (nint)dskip, (nint)dbias);
        device.Launch(device.Function(program, "gs_scan_reduce_p", 128), ((c.Channels + 15) / 16, 1, 1), parameters);
        results.Put("dB", memory.Read(db, rows, c.States, c.States));
        results.Put("dC", memory.Read(dc, rows, c.States, c.States));
        results.Put("dA", DeviceMemory.Read(da, c.Channels * c.States));
        if (c.Skip) results.Put("dD", DeviceMemory.Read(dskip, c.Channels));
        if (c.Bias) results.Put("dbias", DeviceMemory.Read(dbias, c.Channels));
    }

    // Every launch leaves its ticket and words zero for the next.
    private static void Clean(in ScanArguments p, int ringBytes)
    {
        Assert.Equal(0u, *p.Ticket);
        Assert.Equal(-1, new ReadOnlySpan<byte>(p.Ring, ringBytes).IndexOfAnyExcept((byte)0));
    }
}
