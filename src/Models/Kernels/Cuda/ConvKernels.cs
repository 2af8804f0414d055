using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>One direction of the convolution.</summary>
/// <param name="Weight">[channels, 1, d_conv] f32, d_conv 2 to 4.</param>
/// <param name="Bias">[channels] f32, or null.</param>
/// <param name="Reverse">Taps reach ahead instead of back.</param>
/// <param name="Before">The d_conv - 1 inputs before the first, [batch, d_conv - 1, channels] in the activation type, oldest first in scan order; null for zeros.</param>
internal sealed record ConvDirection(Tensor Weight, Tensor? Bias, bool Reverse, Tensor? Before);

/// <summary>More of u's gradient: what comes back through a projection of u, <c>rows . weight</c>.</summary>
/// <param name="Rows">Gradient of the projection [batch, length, width].</param>
/// <param name="Weight">[width, channels], contiguous.</param>
internal sealed record ConvProjection(Tensor Rows, Tensor Weight);

/// <summary>Gradients of one direction of the convolution.</summary>
/// <param name="DWeight">[channels, 1, d_conv] f32.</param>
/// <param name="DBias">[channels] f32, or null.</param>
/// <param name="DBefore">[batch, d_conv - 1, channels] in the activation type, or null.</param>
internal sealed record ConvGradients(Tensor DWeight, Tensor? DBias, Tensor? DBefore);

/// <summary>
/// Causal depthwise convolution, with SiLU or nothing behind it (conv_fwd.cu, conv_bwd.cu): one direction, or both over the same x, which is then read
/// once. No tap reaches across a change of the sequence ids.
/// </summary>
internal static partial class ConvKernels
{
    private const int Taps = 4, Threads = 256;

    /// <summary>u_k = silu(conv_k(x)), or conv_k(x).</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">[batch, length, channels], bf16 or f32, rows evenly spaced.</param>
    /// <param name="directions">One, or two that are opposite.</param>
    /// <param name="ids">[batch, length] int32, or null.</param>
    /// <param name="silu">Whether SiLU follows.</param>
    /// <returns>For each direction [batch, length, channels], contiguous.</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static Tensor[] Forward(KernelDevice device, Tensor x, ReadOnlySpan<ConvDirection> directions, Tensor? ids,
        bool silu = true)
    {
        Arguments a = Common(x, directions, ids);
        var u = new Tensor[directions.Length];
        for (int i = 0; i < u.Length; i++) u[i] = empty(x.shape, x.dtype, x.device);
        using DisposeScope scope = NewDisposeScope();
        for (int i = 0; i < u.Length; i++)
        {
            ref Direction d = ref Bind(ref a, x, directions[i]);
            (d.U, d.UStride) = (u[i].data_ptr(), a.Channels);
        }

        int lanes = a.Channels >= 256 ? 32 : a.Channels >= 128 ? 16 : 8;
        long tiles = KernelTensors.Ceiling(a.Length, Threads / lanes * 4); // GS_CONV_ROWS
        KernelFunction function = Function(device, "gs_conv_fwd", "conv_fwd.cu", x.dtype, Threads, 0, ids is not null, silu, $"GS_CONV_LANES={lanes}");
        device.Launch(function, (tiles * KernelTensors.Ceiling(a.Channels, 8 * lanes) * u.Length, a.Batch, 1), a);
        return u;
    }

    // The kernel's sums lie as [forward, reverse][4 channels of weight, channels of bias].
    private static ConvGradients[] Gradients(ReadOnlySpan<ConvDirection> directions, Tensor sums, Tensor?[] before)
    {
        long channels = sums.size(2);
        var result = new ConvGradients[directions.Length];
        for (int i = 0; i < result.Length; i++)
        {
            long taps = directions[i].Weight.size(2);
            int place = directions.Length == 2 && directions[i].Reverse ? 1 : 0;
            Tensor all = sums.select(0, place);
            Tensor weight = all.narrow(0, 0, 4).view(channels, 1, Taps).narrow(2, Taps - taps, taps);
            result[i] = new ConvGradients(
                weight, directions[i].Bias is null ? null : all.select(0, 4), before[i]?.narrow(1, Taps - taps, taps - 1));
        }

        return result;
    }

    private static Arguments Common(Tensor x, ReadOnlySpan<ConvDirection> directions, Tensor? ids)
    {
        if (x.dim() != 3) throw new ArgumentException($"x must be [batch, length, channels], not {x.Describe()}", nameof(x));
        if (directions.Length is not (1 or 2) || (directions.Length == 2 && directions[0].Reverse == directions[1].Reverse))
        {
            throw new ArgumentException("the kernels take one direction, or two opposite ones", nameof(directions));
        }

        var a = new Arguments
        {
            Batch = KernelTensors.Count(x.size(0), "batch entries"),
            Length = KernelTensors.Count(x.size(1), "positions"),
            Channels = KernelRows.Channels(x.size(2)),
            Ids = KernelTensors.Dense(ids, "the sequence ids", ScalarType.Int32, x.size(0), x.size(1)),
        };
        (a.X, a.XStride) = KernelRows.Of(x, "x", x.dtype, x.shape);
        foreach (ConvDirection d in directions) a.Directions |= d.Reverse ? 2 : 1;
        return a;
    }

    // Fills in one direction; fewer taps get zeros in front.
    private static ref Direction Bind(ref Arguments a, Tensor x, ConvDirection direction)
    {
        long taps = direction.Weight.dim() == 3 ? direction.Weight.size(2) : 0;
        if (taps is < 2 or > Taps) throw new ArgumentException($"the weight must be [channels, 1, 2 to {Taps}], not {direction.Weight.Describe()}");
        ref Direction d = ref Unsafe.Add(ref a.Forward, direction.Reverse ? 1 : 0);
        KernelTensors.Dense(direction.Weight, "the weight", float32, a.Channels, 1, taps);
        d.Weight = Padded(direction.Weight, 2, taps).data_ptr();
        d.Bias = KernelTensors.Dense(direction.Bias, "the bias", float32, a.Channels);
        KernelTensors.Dense(direction.Before, "the inputs before the first", x.dtype, a.Batch, taps - 1, a.Channels);
        d.Before = direction.Before is null ? 0 : Padded(direction.Before, 1, taps - 1, Taps - 1).data_ptr();
        return ref d;
    }

    private static Tensor Padded(Tensor t, int dim, long length, long wanted = Taps)
    {
        if (length == wanted) return t;
        long[] size = t.shape;
        size[dim] = wanted;
        Tensor wide = zeros(size, t.dtype, t.device);
        wide.narrow(dim, wanted - length, length).copy_(t);
        return wide;
    }

    private static KernelFunction Function(
        KernelDevice device, string entry, string file, ScalarType type, int threads, int sharedBytes, bool ids, bool silu,
        params ReadOnlySpan<string> definitions)
    {
        ReadOnlySpan<string> plain = silu ? [] : ["GS_CONV_SILU=0"];
        string[] all = KernelTensors.Definitions(type, "x", [$"GS_CONV_IDS={(ids ? 1 : 0)}", .. plain, .. definitions]);
        return device.Function(new KernelProgram(["common.cu", "conv_args.cu", file], all), entry, threads, sharedBytes);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Direction
    {
        public nint Weight, Bias, Before, U, Du, DBefore, Through, Projection;
        public long UStride, DuStride;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public Direction Forward, Reverse;
        public nint X, Ids, Dx, Part;
        public long XStride, DxStride, ThroughStride;
        public int Batch, Length, Channels, Directions, Tiles, Rows, Lead, Tail, Period, Pad;
    }
}
