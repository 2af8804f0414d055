using GenoSeq.Models.Blocks;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Context;

/// <summary>
/// What <see cref="MambaScan"/> does, of one direction over this rank's positions of batch entries that all go the same way
/// over the ranks: it begins with what the rank before handed over and hands on what it ends with. On the CPU.
/// </summary>
internal sealed unsafe class ShardedMambaScan : autograd.Function
{
    private readonly ContextParallel _ranks;
    private readonly bool _up;
    private readonly bool _reverse;
    private readonly ScalarType _compute;
    private readonly ProjectionNorms? _norms;

    private ShardedMambaScan(ContextParallel ranks, bool up, bool reverse, ScalarType compute, ProjectionNorms? norms)
    {
        (_ranks, _up, _reverse, _compute, _norms) = (ranks, up, reverse, compute, norms);
    }

    protected override string Name => "ShardedMambaScan";

    /// <summary>Runs the directions on xz [batch, length, 2D] and adds their gated outputs [batch, length, D].</summary>
    internal static Tensor Run(Tensor xz, ContextShards shards, ScalarType compute, (MambaDirection Parameters, bool Reverse)[] directions)
    {
        if (!TensorRows.OnKernels(xz) || KernelDevices.Of(xz) is not null)
        {
            throw new NotSupportedException("positions are divided among ranks in single precision on a CPU, or on a GPU with kernels for the "
                + "whole layer: one in_proj and one out_proj without biases, d_state 16, d_conv 2 to 4");
        }

        long batch = xz.size(0);
        (long First, long Count)[] strands = [.. new[] { (0, shards.Ascending), (shards.Ascending, batch - shards.Ascending) }.Where(s => s.Item2 > 0)];
        var outputs = new Tensor?[strands.Length];
        // What can begin here goes first; backward, which runs the other way, gets the other order by itself.
        foreach ((int s, int k) in Enumerable.Range(0, strands.Length).SelectMany(s => Enumerable.Range(0, directions.Length).Select(k => (s, k)))
            .OrderBy(u => shards.Ranks.Before(shards.Up(strands[u.s].First, directions[u.k].Reverse))))
        {
            (MambaDirection p, bool reverse) = directions[k];
            var unit = new ShardedMambaScan(shards.Ranks, shards.Up(strands[s].First, reverse), reverse, compute, p.Norms);
            Tensor y = unit.apply([xz.narrow(0, strands[s].First, strands[s].Count), .. p.Inner()])[0]!;
            outputs[s] = outputs[s] is { } sum ? sum + y : y;
        }

        return outputs.Length == 1 ? outputs[0]! : cat([.. outputs.Select(o => o!)]);
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        var p = new MambaParameters(inputs.AsSpan(1), _norms);
        Tensor xz = inputs[0]!.contiguous();
        (Tensor? state, Tensor? halo) = Unpack(_ranks.Receive(_up, MessageSize(p, xz), xz.device), p, xz);
        Tensor result = empty([xz.size(0), xz.size(1), p.Width]);
        Tensor finalState = empty([xz.size(0), p.Width, p.States]);
        Tensor finalHalo = empty([xz.size(0), p.Taps - 1, p.Width]);
        Tensor u = empty(result.shape);
        CausalConv.Forward(p.Convolution(xz, _reverse, halo), new CausalConvOutputs<float> { Out = TensorRows.Of(u), FinalHalo = TensorRows.Dense(finalHalo) });
        Tensor raw = Gemm.Linear(u, p.XProj, null, _compute).contiguous();
        Tensor projected = p.Normed(raw);
        Tensor delta = Gemm.Linear(projected.narrow(2, 0, p.Rank), p.DtProj, null, _compute);
        Tensor a = p.ALog.exp().neg();
        Tensor? chunks = WillDifferentiate
            ? empty([SelectiveScan.CheckpointSize((int)xz.size(0), (int)xz.size(1), (int)p.Width, (int)p.States)]) : null;
        SelectiveScan.Forward(p.Scan(xz, u, delta, projected, a, _reverse, state), new SelectiveScanOutputs<float>
        {
            Out = TensorRows.Of(result),
            FinalState = TensorRows.Dense(finalState),
            Checkpoints = TensorRows.Dense(chunks),
        });
        _ranks.Send(_up, finalState, finalHalo);
        save_for_backward([xz, .. inputs[1..], raw, chunks, a, state, halo]);
        return [result];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor?[] inputs = [.. Enumerable.Range(0, 1 + MambaParameters.Count).Select(saved)];
        int n = inputs.Length;
        (Tensor raw, Tensor chunks, Tensor a) = (saved(n)!, saved(n + 1)!, saved(n + 2)!);
        (Tensor? state, Tensor? halo) = (saved(n + 3), saved(n + 4));
        var p = new MambaParameters(inputs.AsSpan(1), _norms);
        Tensor projected = p.Normed(raw);
        Tensor xz = inputs[0]!;
        (Tensor? dfinalState, Tensor? dfinalHalo) = Unpack(_ranks.Receive(!_up, MessageSize(p, xz), xz.device), p, xz);
        Tensor dout = grad_outputs[0]?.contiguous() ?? zeros([xz.size(0), xz.size(1), p.Width]);
        long tokens = xz.size(0) * xz.size(1);
        Tensor u = empty(dout.shape);
        CausalConv.Forward(p.Convolution(xz, _reverse, halo), new CausalConvOutputs<float> { Out = TensorRows.Of(u) });
        Tensor dt = projected.narrow(2, 0, p.Rank);
        Tensor delta = Gemm.Linear(dt, p.DtProj, null, _compute);
        (Tensor dxz, Tensor du, Tensor ddelta, Tensor dprojected) = (empty_like(xz), empty_like(u), empty_like(u), empty_like(projected));
        (Tensor da, Tensor dd, Tensor dbias) = (empty_like(p.ALog), empty_like(p.D), empty_like(p.DtBias));
        Tensor? dstate = state is null ? null : empty_like(state);
        SelectiveScan.Backward(p.Scan(xz, u, delta, projected, a, _reverse, state), new SelectiveScanGradients<float>
        {
            DOut = TensorRows.Of(dout),
            DFinalState = TensorRows.Dense(dfinalState),
            Checkpoints = TensorRows.Dense(chunks),
            DU = TensorRows.Of(du),
            DDelta = TensorRows.Of(ddelta),
            DZ = TensorRows.Of(dxz, p.Width),
            DB = TensorRows.Of(dprojected, p.Rank),
            DC = TensorRows.Of(dprojected, p.Rank + p.States),
            DA = TensorRows.Dense(da),
            DD = TensorRows.Dense(dd),
            DDeltaBias = TensorRows.Dense(dbias),
            DInitialState = TensorRows.Dense(dstate),
        });
        Tensor flatDelta = ddelta.view(tokens, -1);
        Tensor ddtProj = Gemm.Product(flatDelta.t(), dt.reshape(tokens, p.Rank), _compute);
        dprojected.narrow(2, 0, p.Rank).copy_(Gemm.Product(flatDelta, p.DtProj, _compute).view(xz.size(0), -1, p.Rank));
        Tensor?[] norms = p.NormsBack(raw, dprojected);
        Tensor flat = dprojected.view(tokens, -1);
        Tensor dxProj = Gemm.Product(flat.t(), u.view(tokens, -1), _compute);
        du.view(tokens, -1).add_(Gemm.Product(flat, p.XProj, _compute));
        Tensor dconv = empty_like(p.Conv);
        Tensor? dconvBias = p.ConvBias is null ? null : empty_like(p.ConvBias);
        Tensor? dhalo = halo is null ? null : empty_like(halo);
        CausalConv.Backward(p.Convolution(xz, _reverse, halo), new CausalConvGradients<float>
        {
            DOut = TensorRows.Of(du),
            DFinalHalo = TensorRows.Dense(dfinalHalo),
            DX = TensorRows.Of(dxz),
            DWeight = TensorRows.Dense(dconv),
            DBias = TensorRows.Dense(dconvBias),
            DInitialHalo = TensorRows.Dense(dhalo),
        });
        if (dstate is not null)
        {
            _ranks.Send(!_up, dstate, dhalo!);
        }

        // d A_log = dA * A, since A = -exp(A_log)
        return [dxz, dconv, dconvBias, dxProj, ddtProj, dbias, da.mul_(a), dd, .. norms];
    }

    private static (Tensor? State, Tensor? Halo) Unpack(Tensor? message, in MambaParameters p, Tensor xz)
    {
        if (message is null)
        {
            return (null, null);
        }

        (long batch, long states) = (xz.size(0), xz.size(0) * p.Width * p.States);
        return (message.narrow(0, 0, states).view(batch, p.Width, p.States),
            message.narrow(0, states, message.numel() - states).view(batch, p.Taps - 1, p.Width));
    }

    private static long MessageSize(in MambaParameters p, Tensor xz) => xz.size(0) * p.Width * (p.States + p.Taps - 1);
}
