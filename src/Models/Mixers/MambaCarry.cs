using GenoSeq.Models.Blocks;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>
/// What a direction of Mamba carries over a part of a sequence, without the part's output: the pre-pass of whoever reads a
/// sequence in parts against that direction.
/// </summary>
internal static unsafe class MambaCarry
{
    /// <summary>Carries the state over a part.</summary>
    /// <param name="x">The convolution's inputs [batch, length, D]: the first half of in_proj's output.</param>
    /// <param name="state">Updated in place.</param>
    /// <param name="compute">Type of the matrix products.</param>
    /// <param name="p">The direction's parameters.</param>
    /// <param name="reverse">It reads from the last position.</param>
    internal static void Over(Tensor x, MambaState state, ScalarType compute, MambaDirection p, bool reverse)
    {
        using DisposeScope scope = NewDisposeScope();
        if (KernelDevices.Of(x) is { } device && x.dtype is bfloat16 or float32
            && DeviceDirection.Supports(x.size(2), p.ALog.size(1), p.Conv1d.weight.size(2)))
        {
            using var direction = new DeviceDirection(p.Inner(), reverse, x.dtype, p.Norms);
            DeviceMambaCore.Carry(device, x.contiguous(), direction, state);
        }
        else if (TensorRows.OnKernels(x))
        {
            OnCpu(x.contiguous(), state, compute, p, reverse);
        }
        else
        {
            MambaPortable.Run(cat([x, x], 2), [state], null, (p, reverse));
        }
    }

    private static void OnCpu(Tensor x, MambaState state, ScalarType compute, MambaDirection direction, bool reverse)
    {
        var p = new MambaParameters(direction.Inner(), direction.Norms);
        Tensor u = empty(x.shape);
        Tensor halo = empty_like(state.Halo);
        CausalConv.Forward(p.Convolution(x, reverse, state.Halo), new CausalConvOutputs<float> { Out = TensorRows.Of(u), FinalHalo = TensorRows.Dense(halo) });
        Tensor projected = p.Normed(Gemm.Linear(u, p.XProj, null, compute).contiguous());
        Tensor delta = Gemm.Linear(projected.narrow(2, 0, p.Rank), p.DtProj, null, compute);
        Tensor a = p.ALog.exp().neg();
        SelectiveScan.Forward(p.Scan(x, u, delta, projected, a, reverse, state.State) with { Z = default }, new SelectiveScanOutputs<float> { FinalState = TensorRows.Dense(state.State) });
        state.Halo.copy_(halo);
    }
}
