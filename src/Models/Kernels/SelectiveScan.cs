using System.Runtime.Intrinsics;
using GenoSeq.Models.Kernels.Cpu;
using GenoSeq.Models.Kernels.Reference;

namespace GenoSeq.Models.Kernels;

/// <summary>
/// Selective scan of Mamba-1 (Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", 2023):
/// h_t = exp(delta_t A) h_{t-1} + delta_t B_t u_t, y_t = C_t h_t + D u_t, out_t = y_t silu(z_t), with
/// delta_t = softplus(raw_t + bias). Nothing of size [batch, length, d_inner, d_state] is ever stored.
/// Results do not depend on the number of threads, to the bit.
/// </summary>
public static unsafe class SelectiveScan
{
    /// <summary>Steps between saved states.</summary>
    public const int ChunkLength = 64;

    /// <summary>Elements of a checkpoint buffer: batch * ceil(length / <see cref="ChunkLength"/>) * d_state * d_inner.</summary>
    /// <param name="batch">Batch entries.</param>
    /// <param name="length">Time steps.</param>
    /// <param name="channels">Channels, d_inner.</param>
    /// <param name="states">States per channel, d_state.</param>
    /// <returns>The number of elements.</returns>
    public static long CheckpointSize(int batch, int length, int channels, int states) =>
        (long)batch * ChunkCount(length) * channels * states;

    /// <summary>Forward pass on the CPU.</summary>
    /// <param name="inputs">Inputs.</param>
    /// <param name="outputs">Where results go.</param>
    /// <exception cref="ArgumentException">A required argument is missing, or a size or stride makes no sense.</exception>
    public static void Forward(in SelectiveScanInputs<float> inputs, in SelectiveScanOutputs<float> outputs)
    {
        Validate(inputs);
        KernelCheck.Optional(outputs.Out, inputs.Batch, inputs.Length, inputs.Channels);
        switch (KernelDispatch.Current)
        {
            case KernelPath.Vector512:
                ScanForward<Simd512, Vector512<float>>.Run(inputs, outputs);
                break;
            case KernelPath.Vector256:
                ScanForward<Simd256, Vector256<float>>.Run(inputs, outputs);
                break;
            case KernelPath.Scalar:
                ScanForward<SimdScalar, float>.Run(inputs, outputs);
                break;
            default:
                SelectiveScanReference.Forward(inputs, outputs);
                break;
        }
    }

    /// <summary>Backward pass on the CPU. y before gating is rebuilt, never read.</summary>
    /// <param name="inputs">The forward pass's inputs.</param>
    /// <param name="gradients">Incoming gradients and targets.</param>
    /// <exception cref="ArgumentException">A required argument is missing, or a size or stride makes no sense.</exception>
    public static void Backward(in SelectiveScanInputs<float> inputs, in SelectiveScanGradients<float> gradients)
    {
        Validate(inputs);
        Validate(inputs, gradients);
        switch (KernelDispatch.Current)
        {
            case KernelPath.Vector512:
                ScanBackward<Simd512, Vector512<float>>.Run(inputs, gradients);
                break;
            case KernelPath.Vector256:
                ScanBackward<Simd256, Vector256<float>>.Run(inputs, gradients);
                break;
            case KernelPath.Scalar:
                ScanBackward<SimdScalar, float>.Run(inputs, gradients);
                break;
            default:
                SelectiveScanReference.Backward(inputs, gradients);
                break;
        }
    }

    internal static int ChunkCount(int length) => (length + ChunkLength - 1) / ChunkLength;

    private static void Validate(in SelectiveScanInputs<float> x)
    {
        KernelCheck.AtLeast(x.Batch, 0);
        KernelCheck.AtLeast(x.Length, 0);
        KernelCheck.AtLeast(x.Channels, 1);
        KernelCheck.AtLeast(x.States, 1);
        KernelCheck.Required(x.U, x.Batch, x.Length, x.Channels);
        KernelCheck.Required(x.Delta, x.Batch, x.Length, x.Channels);
        KernelCheck.Required(x.B, x.Batch, x.Length, x.States);
        KernelCheck.Required(x.C, x.Batch, x.Length, x.States);
        KernelCheck.Optional(x.Z, x.Batch, x.Length, x.Channels);
        KernelCheck.Present(x.A, 1);
        if (x.SequenceIds != null && x.Batch > 1) KernelCheck.AtLeast(x.SequenceIdsBatchStride, x.Length);
    }

    private static void Validate(in SelectiveScanInputs<float> x, in SelectiveScanGradients<float> g)
    {
        KernelCheck.Required(g.DOut, x.Batch, x.Length, x.Channels);
        KernelCheck.Optional(g.DU, x.Batch, x.Length, x.Channels);
        KernelCheck.Optional(g.DDelta, x.Batch, x.Length, x.Channels);
        KernelCheck.Optional(g.DZ, x.Batch, x.Length, x.Channels);
        KernelCheck.Optional(g.DB, x.Batch, x.Length, x.States);
        KernelCheck.Optional(g.DC, x.Batch, x.Length, x.States);
        if (g.DZ.IsPresent && !x.Z.IsPresent) throw new ArgumentException("DZ is given without a gate Z.", nameof(g));
        if (g.DD != null && x.D == null) throw new ArgumentException("DD is given without a skip weight D.", nameof(g));
        if (g.DDeltaBias != null && x.DeltaBias == null)
            throw new ArgumentException("DDeltaBias is given without a DeltaBias.", nameof(g));
        if (g.DInitialState != null && x.InitialState == null)
            throw new ArgumentException("DInitialState is given without an InitialState; pass zeros to differentiate through it.", nameof(g));
    }
}
