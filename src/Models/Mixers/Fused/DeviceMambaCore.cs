using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>
/// What lies between in_proj and out_proj of Mamba on a device with kernels: convolutions, projections, selective scans of all
/// directions in one grid, gate. The gate is common to the directions, so their ungated outputs are added first.
/// </summary>
/// <remarks>
/// Every stage has a dispose scope of its own: a view keeps its tensor's memory, so views must end with the stage that made
/// them for the early frees to free anything.
/// </remarks>
internal static partial class DeviceMambaCore
{
    /// <summary>Runs the directions.</summary>
    /// <param name="device">Runs the kernels.</param>
    /// <param name="xz">[batch, length, 2D], activation type.</param>
    /// <param name="directions">One or two.</param>
    /// <param name="ids">int32 [batch, length], or null.</param>
    /// <param name="keep">Return what backward needs.</param>
    /// <param name="keepAll">Also what backward could compute again cheaply.</param>
    /// <param name="states">What each direction brings from before in its reading order, read and updated; null: zeros.</param>
    /// <param name="checkpointSteps">Steps between the scans' checkpoints.</param>
    /// <returns>The gated sum [batch, length, D].</returns>
    internal static (Tensor Gated, CoreActivations? Kept) Forward(KernelDevice device, Tensor xz,
        ReadOnlySpan<DeviceDirection> directions, Tensor? ids, bool keep, bool keepAll, MambaState[]? states = null,
        int checkpointSteps = ScanShape.CheckpointSteps)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] u = Convolve(device, xz, directions, ids, states);
        Tensor[] projected = Project(u, directions);
        Tensor[] normed = Normed(projected, directions);
        if (!keep)
        {
            return (ScanGated(device, directions, u, normed, ids, xz, states, 0).Gated.MoveToOuterDisposeScope(), null);
        }

        ScanForwardResult scan = Scan(device, directions, u, normed, ids, keepAll, states, checkpointSteps);
        Advance(states, directions, xz, scan.FinalState);
        if (!keepAll)
        {
            CoreActivations.Release(u);
        }

        Tensor gated = empty([xz.size(0), xz.size(1), xz.size(2) / 2], xz.dtype, xz.device).MoveToOuterDisposeScope();
        GateKernels.Forward(device, scan.Y[0], scan.Y.Length > 1 ? scan.Y[1] : null, Z(xz), gated, true);
        return (gated, new CoreActivations
        {
            Projected = Outer(projected),
            Checkpoints = Outer(scan.Checkpoints!),
            Sum = scan.Y[0].MoveToOuterDisposeScope(),
            U = keepAll ? Outer(u) : null,
            Delta = keepAll ? Outer(scan.Delta!) : null,
        });
    }

    /// <summary>Takes one direction's state over a part of a sequence, without any output.</summary>
    /// <param name="device">Runs the kernels.</param>
    /// <param name="x">The convolution's inputs [batch, length, D].</param>
    /// <param name="direction">Which.</param>
    /// <param name="state">What it brings from before in its reading order; updated.</param>
    /// <param name="felt">As for <see cref="ScanForwardKernels.FinalState"/>.</param>
    internal static void Carry(KernelDevice device, Tensor x, DeviceDirection direction, MambaState state, Tensor? felt = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor u = ConvKernels.Forward(device, x, [new ConvDirection(direction.Conv, direction.ConvBias, direction.Reverse, state.HaloOfThree(x.dtype))], null)[0];
        Tensor projected = direction.Normed(Shaped(DeviceGemm.Rows(Flat(u), direction.XProj), u));
        state.Advance(x, ScanForwardKernels.FinalState(device, Scans([direction], [u], null, [projected], [state])[0], felt), direction.Reverse);
    }

    /// <summary>Through the gate, which is all of the backward pass that needs the sum of the directions.</summary>
    /// <param name="device">Runs the kernels.</param>
    /// <param name="xz">The forward pass's input.</param>
    /// <param name="kept">From the forward pass.</param>
    /// <param name="dgated">Gradient of the gated sum [batch, length, D].</param>
    /// <param name="g">Overwritten: the gradient of each direction's output; may be <paramref name="dgated"/>.</param>
    /// <param name="wantGated">Overwrite what was kept as the sum by the gated sum.</param>
    /// <returns>The gradient of xz, of which the gate's half is there.</returns>
    internal static Tensor Ungate(KernelDevice device, Tensor xz, CoreActivations kept, Tensor dgated, Tensor g, bool wantGated)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor dxz = empty(xz.shape, xz.dtype, xz.device);
        GateKernels.Backward(device, dgated, kept.Sum, null, Z(xz), g, Z(dxz), wantGated ? kept.Sum : null);
        return dxz.MoveToOuterDisposeScope();
    }

    /// <summary>Gradients of the directions' parameters, and of xz.</summary>
    /// <param name="device">Runs the kernels.</param>
    /// <param name="xz">The forward pass's input.</param>
    /// <param name="directions">The forward pass's.</param>
    /// <param name="ids">The forward pass's.</param>
    /// <param name="kept">From the forward pass; freed as soon as it is used up.</param>
    /// <param name="g">Gradient of each direction's output [batch, length, D]; freed.</param>
    /// <param name="dxz">From <see cref="Ungate"/>; its other half is filled.</param>
    internal static DirectionGradients[] Backward(KernelDevice device, Tensor xz, ReadOnlySpan<DeviceDirection> directions, Tensor? ids,
        CoreActivations kept, Tensor g, Tensor dxz)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] u = kept.U ?? Convolve(device, xz, directions, ids, null);
        Tensor[] normed = Normed(kept.Projected, directions);
        Tensor[] delta = kept.Delta ?? Deltas(normed, directions);
        (ScanGradients[] scans, Tensor[] dprojected) = ScanBack(device, directions, u, delta, normed, kept, ids, g);
        g.Dispose();
        CoreActivations.Release(delta);
        CoreActivations.Release(kept.Checkpoints);
        (Tensor[] dxProj, Tensor[] ddtProj, Tensor?[][] dnorms) = ProjectBack(device, directions, u, kept.Projected, normed, scans, dprojected);
        CoreActivations.Release(u);
        CoreActivations.Release(Array.ConvertAll(scans, s => s.DDelta));
        CoreActivations.Release(kept.Projected);
        ConvGradients[] conv = ConvolveBack(device, X(xz), directions, ids, null, scans, dprojected, X(dxz));
        var gradients = new DirectionGradients[directions.Length];
        for (int k = 0; k < directions.Length; k++)
        {
            DeviceDirection p = directions[k];
            ScanGradients s = scans[k];
            gradients[k] = new DirectionGradients(conv[k].DWeight, p.ConvBias is null ? null : conv[k].DBias,
                p.WithoutPadding(dxProj[k]), ddtProj[k].narrow(1, 0, p.Rank).contiguous(), s.DDtBias!,
                s.DA.mul_(p.A), s.DSkip!, dnorms[k]); // d A_log = dA * A, since A = -exp(A_log)
            gradients[k].MoveToOuterDisposeScope();
        }

        return gradients;
    }

    /// <summary>[batch, length, width] as [tokens, width].</summary>
    internal static Tensor Flat(Tensor t) => t.view(t.size(0) * t.size(1), t.size(2));

    private static Tensor X(Tensor xz) => xz.narrow(2, 0, xz.size(2) / 2);

    private static Tensor Z(Tensor xz) => xz.narrow(2, xz.size(2) / 2, xz.size(2) / 2);

    private static Tensor[] Outer(Tensor[] tensors) => Array.ConvertAll(tensors, t => t.MoveToOuterDisposeScope());

    // Stages, forward.
    private static Tensor[] Convolve(KernelDevice device, Tensor xz, ReadOnlySpan<DeviceDirection> directions, Tensor? ids,
        MambaState[]? states)
    {
        using DisposeScope scope = NewDisposeScope();
        return Outer(ConvKernels.Forward(device, X(xz), Convolutions(directions, states is null ? null : Array.ConvertAll(states, s => s.HaloOfThree(xz.dtype))), ids));
    }

    private static Tensor[] Project(Tensor[] u, ReadOnlySpan<DeviceDirection> directions)
    {
        using DisposeScope scope = NewDisposeScope();
        var projected = new Tensor[u.Length];
        for (int k = 0; k < u.Length; k++)
        {
            projected[k] = Shaped(DeviceGemm.Rows(Flat(u[k]), directions[k].XProj), u[k]);
        }

        return Outer(projected);
    }

    // What is kept are the rows before their norms, which are computed again.
    private static Tensor[] Normed(Tensor[] projected, ReadOnlySpan<DeviceDirection> directions)
    {
        var normed = new Tensor[projected.Length];
        for (int k = 0; k < normed.Length; k++)
        {
            normed[k] = directions[k].Normed(projected[k]);
        }

        return normed;
    }

    private static Tensor[] Deltas(Tensor[] projected, ReadOnlySpan<DeviceDirection> directions)
    {
        using DisposeScope scope = NewDisposeScope();
        var delta = new Tensor[projected.Length];
        for (int k = 0; k < delta.Length; k++)
        {
            Tensor dt = Flat(projected[k]).narrow(1, 0, directions[k].PaddedRank);
            delta[k] = Shaped(DeviceGemm.Rows(dt, directions[k].DtProj), projected[k]);
        }

        return Outer(delta);
    }

    private static ScanForwardResult Scan(KernelDevice device, ReadOnlySpan<DeviceDirection> directions, Tensor[] u, Tensor[] projected,
        Tensor? ids, bool keepDelta, MambaState[]? states, int checkpointSteps)
    {
        using DisposeScope scope = NewDisposeScope();
        ScanForwardResult r = ScanForwardKernels.Run(device, Scans(directions, u, null, projected, states), ids, true, states is not null,
            keepDelta: keepDelta, checkpointSteps: checkpointSteps);
        Outer(r.Y);
        Outer(r.Checkpoints ?? []);
        Outer(r.FinalState ?? []);
        Outer(r.Delta ?? []);
        return r;
    }

    // Scans and gate in one; what no backward pass needs is not kept.
    private static (Tensor Gated, ScanSegments? Segments) ScanGated(KernelDevice device, ReadOnlySpan<DeviceDirection> directions, Tensor[] u,
        Tensor[] projected, Tensor? ids, Tensor xz, MambaState[]? states, int again)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor gated, Tensor[]? final, ScanSegments? segments) = ScanForwardKernels.RunGated(
            device, Scans(directions, u, null, projected, states), ids, Z(xz), states is not null, again: again);
        Advance(states, directions, xz, final);
        return (gated.MoveToOuterDisposeScope(), segments?.MoveToOuterDisposeScope());
    }

    private static void Advance(MambaState[]? states, ReadOnlySpan<DeviceDirection> directions, Tensor xz, Tensor[]? final)
    {
        for (int k = 0; k < (states?.Length ?? 0); k++)
        {
            using DisposeScope scope = NewDisposeScope();
            states![k].Advance(X(xz), final![k], directions[k].Reverse);
        }
    }

    // Stages, backward.
    private static (ScanGradients[] Gradients, Tensor[] DProjected) ScanBack(KernelDevice device,
        ReadOnlySpan<DeviceDirection> directions, Tensor[] u, Tensor[] delta, Tensor[] projected, CoreActivations kept, Tensor? ids, Tensor g)
    {
        using DisposeScope scope = NewDisposeScope();
        var dprojected = new Tensor[u.Length];
        var db = new Tensor[u.Length];
        var dc = new Tensor[u.Length];
        for (int k = 0; k < u.Length; k++)
        {
            DeviceDirection p = directions[k];
            dprojected[k] = empty(projected[k].shape, g.dtype, g.device);
            db[k] = dprojected[k].narrow(2, p.PaddedRank, p.States);
            dc[k] = dprojected[k].narrow(2, p.PaddedRank + p.States, p.States);
        }

        ScanGradients[] gradients = ScanBackwardKernels.Run(device, Scans(directions, u, delta, projected, null), ids,
            kept.Checkpoints, [g], db, dc, null, overDelta: true);
        foreach (ScanGradients s in gradients)
        {
            Outer([s.DU, s.DDelta, s.DA, s.DSkip!, s.DDtBias!]);
        }

        return (gradients, Outer(dprojected));
    }

    /// <summary>
    /// Through dt_proj and the norms: completes the gradients of [dt, B, C] and gives the weights' of x_proj, dt_proj and the norms. The
    /// way through x_proj to u is left to <see cref="ConvolveBack"/>.
    /// </summary>
    internal static (Tensor[] XProj, Tensor[] DtProj, Tensor?[][] Norms) ProjectBack(KernelDevice device,
        ReadOnlySpan<DeviceDirection> directions, Tensor[] u, Tensor[] projected, Tensor[] normed, ScanGradients[] scans, Tensor[] dprojected)
    {
        using DisposeScope scope = NewDisposeScope();
        var dt = new DtProjection[u.Length];
        for (int k = 0; k < dt.Length; k++)
        {
            DeviceDirection p = directions[k];
            dt[k] = new DtProjection(scans[k].DDelta, normed[k].narrow(2, 0, p.PaddedRank), p.DtProj, dprojected[k].narrow(2, 0, p.PaddedRank));
        }

        Tensor[] dtProj = DtProjectionKernels.Takes(u[0].dtype, u[0].size(2), directions[0].PaddedRank)
            ? DtProjectionKernels.Backward(device, dt)
            : Array.ConvertAll(dt, DtProjectBack);
        var xProj = new Tensor[u.Length];
        var norms = new Tensor?[u.Length][];
        for (int k = 0; k < xProj.Length; k++)
        {
            norms[k] = Array.ConvertAll(directions[k].NormsBack(projected[k], dprojected[k]), t => t?.MoveToOuterDisposeScope());
            xProj[k] = DeviceGemm.Gradient(Flat(dprojected[k]), Flat(u[k]));
        }

        return (Outer(xProj), Outer(dtProj), norms);
    }

    private static Tensor DtProjectBack(DtProjection p)
    {
        DeviceGemm.BackInto(Flat(p.DDelta), p.Weight, Flat(p.DDt));
        return DeviceGemm.Gradient(Flat(p.DDelta), Flat(p.Dt));
    }

    /// <summary>Through x_proj and the convolution: u's gradients, which are left undefined, to x's.</summary>
    internal static ConvGradients[] ConvolveBack(KernelDevice device, Tensor x, ReadOnlySpan<DeviceDirection> directions, Tensor? ids,
        Tensor? before, ScanGradients[] scans, Tensor[] dprojected, Tensor dx)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] du = Array.ConvertAll(scans, s => s.DU);
        var through = new ConvProjection[du.Length];
        for (int k = 0; k < through.Length; k++)
        {
            through[k] = new ConvProjection(dprojected[k], directions[k].XProj);
        }

        if (!ConvKernels.TakesProjection(x.dtype, directions[0].ProjectedWidth))
        {
            for (int k = 0; k < through.Length; k++)
            {
                DeviceGemm.AddBack(Flat(du[k]), Flat(through[k].Rows), through[k].Weight);
            }

            through = [];
        }

        ConvGradients[] gradients = ConvKernels.Backward(device, x, Convolutions(directions, before is null ? null : [before]), ids, du, dx, through);
        foreach (ConvGradients g in gradients)
        {
            g.DWeight.MoveToOuterDisposeScope();
            g.DBias?.MoveToOuterDisposeScope();
            g.DBefore?.MoveToOuterDisposeScope();
        }

        return gradients;
    }

    private static Tensor Shaped(Tensor flat, Tensor like) => flat.view(like.size(0), like.size(1), flat.size(1));

    private static ConvDirection[] Convolutions(ReadOnlySpan<DeviceDirection> directions, Tensor[]? before)
    {
        var result = new ConvDirection[directions.Length];
        for (int k = 0; k < result.Length; k++)
        {
            DeviceDirection p = directions[k];
            result[k] = new ConvDirection(p.Conv, p.ConvBias, p.Reverse, before?[k]);
        }

        return result;
    }

    // Without delta the forward pass projects dt itself.
    private static ScanDirection[] Scans(ReadOnlySpan<DeviceDirection> directions, Tensor[] u, Tensor[]? delta, Tensor[] projected,
        MambaState[]? states)
    {
        var result = new ScanDirection[directions.Length];
        for (int k = 0; k < result.Length; k++)
        {
            DeviceDirection p = directions[k];
            result[k] = new ScanDirection(u[k], delta?[k] ?? projected[k].narrow(2, 0, p.PaddedRank), projected[k].narrow(2, p.PaddedRank, p.States),
                projected[k].narrow(2, p.PaddedRank + p.States, p.States), p.A, p.Skip, p.DtBias, p.Reverse, states?[k].State)
            {
                DtProj = delta is null ? p.DtProj : null,
            };
        }

        return result;
    }
}
