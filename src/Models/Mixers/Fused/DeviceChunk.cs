using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>What one direction carries from one time chunk to the next, in scan order.</summary>
/// <param name="State">Scan state [1, D, N], single precision.</param>
/// <param name="Halo">The convolution's last three inputs [1, 3, D], oldest first, activation type.</param>
internal sealed record ChunkCarry(Tensor State, Tensor Halo) : IDisposable
{
    /// <summary>Zeros: before the first chunk.</summary>
    internal static ChunkCarry Zero(long d, long states, ScalarType activation, GenoSeq.Torch.Device device) =>
        new(zeros([1, d, states], float32, device), zeros([1, 3, d], activation, device));

    internal ChunkCarry Detach()
    {
        State.DetachFromDisposeScope();
        Halo.DetachFromDisposeScope();
        return this;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        State.Dispose();
        Halo.Dispose();
    }
}

/// <summary>
/// One direction of a Mamba core over one time chunk of one batch entry, with what flows in and out of the chunk at both ends.
/// Exact: everything but the scan's state and the convolution's last three inputs is local in time.
/// </summary>
internal static class DeviceChunk
{
    /// <summary>Runs the chunk.</summary>
    /// <param name="device">Runs the kernels.</param>
    /// <param name="xz">[1, length, 2D], activation type.</param>
    /// <param name="p">The direction.</param>
    /// <param name="ids">int32 [1, length], or null.</param>
    /// <param name="carry">From the chunk before in scan order.</param>
    /// <returns>The direction's gated output [1, length, D], and what the next chunk in scan order needs.</returns>
    internal static (Tensor Gated, ChunkCarry Next) Forward(KernelDevice device, Tensor xz, DeviceDirection p, Tensor? ids, ChunkCarry carry)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor u, Tensor projected) = Prepare(device, xz, p, ids, carry);
        projected = p.Normed(projected);
        (Tensor gated, Tensor[]? final, _) = ScanForwardKernels.RunGated(device, [Scan(p, u, projected, carry)], ids, Z(xz), true);
        var next = new ChunkCarry(final![0].MoveToOuterDisposeScope(), LastInputs(X(xz), p.Reverse, carry.Halo).MoveToOuterDisposeScope());
        return (gated.MoveToOuterDisposeScope(), next);
    }

    /// <summary>Goes back through the chunk.</summary>
    /// <param name="device">Runs the kernels.</param>
    /// <param name="xz">The forward pass's.</param>
    /// <param name="p">The direction.</param>
    /// <param name="ids">The forward pass's.</param>
    /// <param name="carry">What the forward pass began with.</param>
    /// <param name="dgated">Gradient of the gated output [1, length, D].</param>
    /// <param name="dnext">Gradient of what the next chunk in scan order got; null after the last.</param>
    /// <returns>
    /// The gated output again, gradients of xz and of the parameters, and the gradient of <paramref name="carry"/>.
    /// </returns>
    internal static (Tensor Gated, Tensor DXz, DirectionGradients Own, ChunkCarry DCarry) Backward(KernelDevice device, Tensor xz,
        DeviceDirection p, Tensor? ids, ChunkCarry carry, Tensor dgated, ChunkCarry? dnext)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor u, Tensor projected) = Prepare(device, xz, p, ids, carry);
        Tensor normed = p.Normed(projected);
        ScanDirection direction = Scan(p, u, normed, carry);
        ScanForwardResult scan = ScanForwardKernels.Run(device, [direction], ids, true, false, keepDelta: true, checkpointSteps: ScanShape.DenseSteps);
        direction = direction with { Delta = scan.Delta![0], DtProj = null };
        Tensor gated = scan.Y[0];
        Tensor dxz = empty(xz.shape, xz.dtype, xz.device);
        Tensor g = empty(dgated.shape, xz.dtype, xz.device);
        GateKernels.Backward(device, dgated, scan.Y[0], null, Z(xz), g, Z(dxz), gated);
        Tensor dprojected = empty(projected.shape, xz.dtype, xz.device);
        ScanGradients[] scans = ScanBackwardKernels.Run(device, [direction], ids, scan.Checkpoints!, [g],
            [dprojected.narrow(2, p.PaddedRank, p.States)], [dprojected.narrow(2, p.PaddedRank + p.States, p.States)],
            dnext is null ? null : [dnext.State]);
        ScanGradients s = scans[0];
        (Tensor[] xProj, Tensor[] dtProj, Tensor?[][] norms) = DeviceMambaCore.ProjectBack(device, [p], [u], [projected], [normed], scans, [dprojected]);
        ConvGradients conv = DeviceMambaCore.ConvolveBack(device, X(xz), [p], ids, carry.Halo, scans, [dprojected], X(dxz))[0];
        if (dnext is not null)
        {
            AddToLastInputs(X(dxz), conv.DBefore!, p.Reverse, dnext.Halo);
        }

        var own = new DirectionGradients(conv.DWeight, p.ConvBias is null ? null : conv.DBias, p.WithoutPadding(xProj[0]),
            dtProj[0].narrow(1, 0, p.Rank).contiguous(), s.DDtBias!, s.DA.mul_(p.A), s.DSkip!, norms[0]);
        own.MoveToOuterDisposeScope();
        var dcarry = new ChunkCarry(s.DInitialState!.MoveToOuterDisposeScope(), conv.DBefore!.MoveToOuterDisposeScope());
        return (gated.MoveToOuterDisposeScope(), dxz.MoveToOuterDisposeScope(), own, dcarry);
    }

    private static Tensor X(Tensor xz) => xz.narrow(2, 0, xz.size(2) / 2);

    private static Tensor Z(Tensor xz) => xz.narrow(2, xz.size(2) / 2, xz.size(2) / 2);

    private static (Tensor U, Tensor Projected) Prepare(KernelDevice device, Tensor xz, DeviceDirection p, Tensor? ids,
        ChunkCarry carry)
    {
        Tensor u = ConvKernels.Forward(device, X(xz), [Convolution(p, carry)], ids)[0];
        Tensor flat = DeviceGemm.Rows(DeviceMambaCore.Flat(u), p.XProj);
        return (u, flat.unsqueeze(0));
    }

    private static ConvDirection Convolution(DeviceDirection p, ChunkCarry carry) => new(p.Conv, p.ConvBias, p.Reverse, carry.Halo);

    private static ScanDirection Scan(DeviceDirection p, Tensor u, Tensor projected, ChunkCarry carry) =>
        new(u, projected.narrow(2, 0, p.PaddedRank), projected.narrow(2, p.PaddedRank, p.States),
            projected.narrow(2, p.PaddedRank + p.States, p.States), p.A, p.Skip, p.DtBias, p.Reverse, carry.State)
        {
            DtProj = p.DtProj,
        };

    // The last three inputs in scan order, oldest first; a chunk shorter than that passes some of its own halo on.
    private static Tensor LastInputs(Tensor x, bool reverse, Tensor halo)
    {
        long own = Math.Min(3, x.size(1));
        Tensor last = reverse ? x.narrow(1, 0, own).flip(1) : x.narrow(1, x.size(1) - own, own);
        return own == 3 ? last.contiguous() : cat([halo.narrow(1, own, 3 - own), last], 1);
    }

    private static void AddToLastInputs(Tensor dx, Tensor dhalo, bool reverse, Tensor gradient)
    {
        long own = Math.Min(3, dx.size(1));
        Tensor mine = gradient.narrow(1, 3 - own, own);
        Tensor last = reverse ? dx.narrow(1, 0, own) : dx.narrow(1, dx.size(1) - own, own);
        last.add_(reverse ? mine.flip(1) : mine);
        if (own < 3)
        {
            dhalo.narrow(1, own, 3 - own).add_(gradient.narrow(1, 0, 3 - own));
        }
    }
}
