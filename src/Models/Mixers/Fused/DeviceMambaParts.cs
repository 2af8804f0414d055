using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>
/// A Mamba mixer over parts of a sequence on a device with kernels, for mixers of one in_proj and one out_proj without biases. Weights are
/// cast, mirrored and padded once for all parts: by itself that is little, but dozens of small kernels a part.
/// </summary>
internal sealed class DeviceMambaParts : IDisposable
{
    private readonly KernelDevice _device;
    private readonly Tensor _in;
    private readonly Tensor _inX;
    private readonly Tensor _out;
    private readonly DeviceDirection[] _directions;

    private DeviceMambaParts(KernelDevice device, (MambaDirection Parameters, bool Reverse)[] directions, bool mirrored, ScalarType activation)
    {
        using DisposeScope scope = NewDisposeScope();
        MambaDirection first = directions[0].Parameters;
        _device = device;
        // Mirrored: the channels of what comes in and goes out are reversed.
        Tensor inward = mirrored ? first.InProj.weight.flip(1) : first.InProj.weight;
        Tensor outward = mirrored ? first.OutProj.weight.flip(0) : first.OutProj.weight;
        _in = inward.to(activation).alias().DetachFromDisposeScope();
        _inX = _in.narrow(0, 0, _in.size(0) / 2).DetachFromDisposeScope();
        _out = outward.to(activation).alias().DetachFromDisposeScope();
        _directions = Array.ConvertAll(directions, d => new DeviceDirection(d.Parameters.Inner(), d.Reverse, activation, d.Parameters.Norms));
    }

    /// <summary>The mixer's parts, or null where its shape or type has no such path.</summary>
    /// <param name="mixer">The mixer.</param>
    /// <param name="mirrored">As in <see cref="MixContext"/>.</param>
    /// <param name="activation">Type of the activations.</param>
    internal static DeviceMambaParts? Of(MambaMixer mixer, bool mirrored, ScalarType activation) =>
        mixer.ComputeType == activation && KernelDevices.Of(mixer.Fwd.D) is { } device && mixer.OneProjection(mirrored) is { } directions
            ? new DeviceMambaParts(device, directions, mirrored, activation)
            : null;

    /// <summary>Adds the mixer's output of a part to a sum.</summary>
    /// <param name="sum">[batch, length, d_model], contiguous; changed in place. Of another type than the activations' the output is made first.</param>
    /// <param name="x">The mixer's input [batch, length, d_model].</param>
    /// <param name="states">One for each direction, updated in place.</param>
    internal void Add(Tensor sum, Tensor x, MambaState[] states)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor xz = Rows(x, _in);
        Tensor gated = DeviceMambaCore.Flat(DeviceMambaCore.Forward(_device, xz, _directions, null, false, false, states).Gated);
        if (sum.dtype == gated.dtype)
        {
            DeviceGemm.AddRows(DeviceMambaCore.Flat(sum), gated, _out);
        }
        else
        {
            DeviceMambaCore.Flat(sum).add_(DeviceGemm.Rows(gated, _out));
        }
    }

    /// <summary>Carries one direction's state over a part, without the part's output.</summary>
    /// <param name="x">The mixer's input [batch, length, d_model].</param>
    /// <param name="direction">Which, of <see cref="MambaMixer.Directions"/>.</param>
    /// <param name="state">Updated in place.</param>
    internal void Carry(Tensor x, int direction, MambaState state)
    {
        using DisposeScope scope = NewDisposeScope();
        DeviceMambaCore.Carry(_device, Rows(x, _inX), _directions[direction], state);
    }

    /// <summary>
    /// The same over the end of a part alone: the first d_conv - 1 positions in reading order are what the convolution sees of the positions before,
    /// the scan begins behind them. What it brings there is not known, and has no weight where it is not felt at the end.
    /// </summary>
    /// <param name="x">The mixer's input [batch, length, d_model], of the part's last positions in reading order.</param>
    /// <param name="direction">Which, of <see cref="MambaMixer.Directions"/>.</param>
    /// <param name="state">Becomes what the direction brings to the part's end.</param>
    /// <param name="felt">i32 [1] on the device: set to 1 unless the end has forgotten the state before.</param>
    internal void CarryEnd(Tensor x, int direction, MambaState state, Tensor felt)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor inner = Rows(x, _inX);
        bool reverse = _directions[direction].Reverse;
        long seen = state.Halo.size(1);
        long own = inner.size(1) - seen;
        // Oldest first.
        state.Halo.copy_(reverse ? inner.narrow(1, own, seen).flip(1) : inner.narrow(1, 0, seen));
        DeviceMambaCore.Carry(_device, inner.narrow(1, reverse ? 0 : seen, own), _directions[direction], state, felt);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _in.Dispose();
        _inX.Dispose();
        _out.Dispose();
        Array.ForEach(_directions, d => d.Dispose());
    }

    private static Tensor Rows(Tensor x, Tensor weight) => DeviceGemm.Rows(DeviceMambaCore.Flat(x), weight).view(x.size(0), x.size(1), weight.size(0));
}
