using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>The gated product silu(gate) * up (swiglu.cu).</summary>
internal static class SwiGluKernels
{
    /// <summary>Forward pass.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="gate">[..., d_ff], bf16 or f32; rows evenly spaced, such as one half of a packed [..., 2 d_ff].</param>
    /// <param name="up">Of the same shape, type and strides.</param>
    /// <returns>[..., d_ff], contiguous.</returns>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static Tensor Forward(KernelDevice device, Tensor gate, Tensor up)
    {
        Tensor output = empty(gate.shape, gate.dtype, gate.device);
        Arguments a = Common(gate, up);
        a.Out = output.data_ptr();
        Launch(device, "gs_swiglu_fwd", gate, ref a);
        return output;
    }

    /// <summary>Forward pass on a packed tensor.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="packed">[..., 2 d_ff], contiguous: gate, then up.</param>
    /// <returns>[..., d_ff], contiguous.</returns>
    internal static Tensor Forward(KernelDevice device, Tensor packed)
    {
        (Tensor gate, Tensor up) = Halves(packed);
        using (gate)
        using (up)
        {
            return Forward(device, gate, up);
        }
    }

    /// <summary>Backward pass.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="gate">The forward pass's.</param>
    /// <param name="up">The forward pass's.</param>
    /// <param name="dout">Gradient of the result, contiguous.</param>
    /// <param name="dgate">Overwritten; of gate's shape and type, rows evenly spaced.</param>
    /// <param name="dup">Overwritten; of the same shape, type and strides as <paramref name="dgate"/>.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static void Backward(KernelDevice device, Tensor gate, Tensor up, Tensor dout, Tensor dgate, Tensor dup)
    {
        Arguments a = Common(gate, up);
        Arguments gradients = Common(dgate, dup);
        if (dgate.dtype != gate.dtype || !dgate.shape.AsSpan().SequenceEqual(gate.shape))
        {
            throw new ArgumentException($"{dgate.Describe()} cannot take the gradient of {gate.Describe()}");
        }

        a.DOut = KernelTensors.Dense(dout, "the product's gradient", gate.dtype, gate.shape);
        (a.DGate, a.DUp, a.GradientStride) = (gradients.Gate, gradients.Up, gradients.Stride);
        Launch(device, "gs_swiglu_bwd", gate, ref a);
    }

    /// <summary>Backward pass on a packed tensor.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="packed">The forward pass's.</param>
    /// <param name="dout">Gradient of the result [..., d_ff], contiguous.</param>
    /// <returns>Gradient of the packed tensor, of its shape, contiguous.</returns>
    internal static Tensor Backward(KernelDevice device, Tensor packed, Tensor dout)
    {
        Tensor gradient = empty_like(packed);
        using DisposeScope scope = NewDisposeScope();
        (Tensor gate, Tensor up) = Halves(packed);
        (Tensor dgate, Tensor dup) = Halves(gradient);
        Backward(device, gate, up, dout, dgate, dup);
        return gradient;
    }

    private static (Tensor First, Tensor Second) Halves(Tensor packed)
    {
        long width = packed.size(-1) / 2;
        return packed.is_contiguous() && packed.size(-1) % 2 == 0
            ? (packed.narrow(-1, 0, width), packed.narrow(-1, width, width))
            : throw new ArgumentException($"gate and up must be the halves of contiguous rows, not {packed.Describe()}");
    }

    private static Arguments Common(Tensor gate, Tensor up)
    {
        long stride = RowStride(gate);
        if (up.dtype != gate.dtype || !up.shape.AsSpan().SequenceEqual(gate.shape) || RowStride(up) != stride)
        {
            throw new ArgumentException($"gate {gate.Describe()} and up {up.Describe()} must be alike, with equal strides");
        }

        return new Arguments { Gate = gate.data_ptr(), Up = up.data_ptr(), Stride = stride, RowsTotal = gate.numel() / Math.Max(gate.size(-1), 1) };
    }

    // Elements from one row to the next: the same over all leading dimensions.
    private static long RowStride(Tensor t)
    {
        long[] size = t.shape;
        long[] stride = t.stride();
        bool even = size.Length >= 2 && (stride[^1] == 1 || size[^1] == 1);
        for (int i = 0; even && i < size.Length - 2; i++) even = size[i] == 1 || stride[i] == stride[i + 1] * size[i + 1];
        return even ? stride[^2] : throw new ArgumentException($"rows of {t.Describe()} must be evenly spaced, not {string.Join(", ", stride)}");
    }

    private static void Launch(KernelDevice device, string entry, Tensor gate, ref Arguments a)
    {
        long width = gate.size(-1);
        if (width == 0) return;
        int size = gate.dtype.ElementSize();
        long addresses = a.Gate | a.Up | a.Out | a.DOut | a.DGate | a.DUp | (a.Stride * size) | (a.GradientStride * size);
        int each = width % 8 == 0 && (addresses & 15) == 0 ? 8 : 1;
        a.Rows = (int)Math.Max(1, 1024 * each / width);
        var program = new KernelProgram(["common.cu", "swiglu.cu"],
            KernelTensors.Definitions(gate.dtype, "the gate", $"S_WIDTH={width}", $"S_EACH={each}"));
        device.Launch(device.Function(program, entry, 256), (KernelTensors.Ceiling(a.RowsTotal, a.Rows), 1, 1), a);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint Gate, Up, Out, DOut, DGate, DUp;
        public long Stride, GradientStride, RowsTotal;
        public int Rows, Pad;
    }
}
