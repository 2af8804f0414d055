using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models;

/// <summary>
/// A recorded selective scan through a device's kernels, in single precision. They take multiples of 8 channels, so the last
/// ones may be padding, and leave the gate to others: here to ordinary operators.
/// </summary>
internal static class DeviceScanVerification
{
    private const int Multiple = 8;

    /// <summary>Outputs and gradients by their recorded names, on the CPU.</summary>
    /// <param name="x">The recorded inputs, channels last.</param>
    /// <param name="where">The device.</param>
    /// <param name="file">Where the recording lies, for messages.</param>
    /// <exception cref="CheckpointException">The kernels do not take the recorded sizes.</exception>
    internal static List<(string Name, Tensor Value)> Compute(Dictionary<string, Tensor> x, Device where, string file)
    {
        long states = x["A"].size(1);
        if (states != ScanShape.States)
        {
            throw new CheckpointException($"the recorded scan has {states} states", file, $"{ScanShape.States}, which the GPU's kernels are made for", "--device cpu");
        }

        long channels = x["u"].size(2);
        long padded = (channels + Multiple - 1) / Multiple * Multiple;
        Tensor Rows(string name) => Pad(x[name], 2, padded).to(where);
        Tensor? Vector(string name) => x.TryGetValue(name, out Tensor? t) ? Pad(t, 0, padded).to(where) : null;
        Tensor Cut(Tensor t, int dim) => t.narrow(dim, 0, channels).cpu().contiguous();

        Tensor u = Rows("u");
        KernelDevice kernels = KernelDevices.Of(u) ?? throw new NotSupportedException($"{where} has no kernels");
        var scan = new ScanDirection(u, Rows("delta"), x["B"].to(where), x["C"].to(where), Vector("A")!, Vector("D"), Vector("delta_bias"), false, null);
        ScanForwardResult forward = ScanForwardKernels.Run(kernels, [scan], null, true, true);
        Tensor y = forward.Y[0];
        Tensor? z = x.ContainsKey("z") ? Rows("z") : null;
        Tensor? sigmoid = z?.sigmoid();
        Tensor? gate = z?.mul(sigmoid!);
        var results = new List<(string, Tensor)>
        {
            ("out", Cut(gate is null ? y : y.mul(gate), 2)),
            ("last_state", Cut(forward.FinalState![0], 1)),
        };
        if (!x.ContainsKey("grad_out"))
        {
            return results;
        }

        Tensor dout = Rows("grad_out");
        (Tensor dB, Tensor dC) = (empty_like(scan.B), empty_like(scan.C));
        ScanGradients g = ScanBackwardKernels.Run(kernels, [scan], null, forward.Checkpoints!, [gate is null ? dout : dout.mul(gate)], [dB], [dC], null)[0];
        results.AddRange([("grad.u", Cut(g.DU, 2)), ("grad.delta", Cut(g.DDelta, 2)), ("grad.A", Cut(g.DA, 0)), ("grad.B", dB.cpu()), ("grad.C", dC.cpu())]);
        if (g.DSkip is not null) results.Add(("grad.D", Cut(g.DSkip, 0)));
        if (g.DDtBias is not null) results.Add(("grad.delta_bias", Cut(g.DDtBias, 0)));
        if (z is not null)
        {
            // silu'(z) = s + z s (1 - s), s the sigmoid of z.
            Tensor slope = sigmoid! + (gate! - (gate! * sigmoid!));
            results.Add(("grad.z", Cut(dout.mul(y).mul(slope), 2)));
        }

        return results;
    }

    private static Tensor Pad(Tensor t, int dim, long size)
    {
        if (t.size(dim) == size)
        {
            return t;
        }

        long[] rest = t.shape;
        rest[dim] = size - t.size(dim);
        return cat([t, zeros(rest)], dim);
    }
}
