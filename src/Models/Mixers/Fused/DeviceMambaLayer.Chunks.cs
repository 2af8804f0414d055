using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>
/// The layer in time chunks. A direction goes through the chunks in its scan order and keeps only what it carried into each;
/// backward computes each chunk again from that, in the other order, and carries gradients. Directions share nothing but the
/// layer's input and the sums of their outputs and gradients, so they run one after the other.
/// </summary>
internal sealed partial class DeviceMambaLayer
{
    private List<ChunkCarry>[]? _carries;

    /// <summary>Positions of a time chunk.</summary>
    internal static long ChunkTokens { get; set; } = 1 << 17;

    // Resets at sequence boundaries reach across chunks; packed inputs are short sequences and need no chunks.
    // Without a backward pass long inputs always go in chunks: it costs nothing but a second in_proj, and memory stays flat.
    private bool InChunks(long length) =>
        _ids is null && (Memory == LayerMemory.RecomputeTime || (!WillDifferentiate && length > 2 * ChunkTokens));

    private (Tensor Y, Tensor Sum) ForwardInChunks(Tensor x, Tensor? residual, Weights w)
    {
        // Without a backward pass the residual stream is written over: it has no other reader then.
        Tensor sum = residual is not null && !WillDifferentiate ? residual.alias() : empty(x.shape, float32, x.device);
        Tensor y = empty(x.shape, x.dtype, x.device);
        long batch = x.size(0);
        _carries = WillDifferentiate ? new List<ChunkCarry>[batch * w.Directions.Length] : null;
        for (long b = 0; b < batch; b++)
        {
            for (int k = 0; k < w.Directions.Length; k++)
            {
                var carries = new List<ChunkCarry>();
                ForwardEntry(b, k, x, residual, sum, y, w, carries);
                if (_carries is not null)
                {
                    _carries[(b * w.Directions.Length) + k] = carries;
                }
            }
        }

        return (y, sum);
    }

    private void ForwardEntry(long b, int k, Tensor x, Tensor? residual, Tensor sum, Tensor y, Weights w, List<ChunkCarry> carries)
    {
        DeviceDirection p = w.Directions[k];
        ChunkCarry carry = ChunkCarry.Zero(w.Out.size(1), p.States, x.dtype, x.device).Detach();
        foreach ((long first, long count) in Chunks(x.size(1), p.Reverse))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor n = Normed(k == 0 ? Part(x, b, first, count) : null, k == 0 && residual is null ? null : Part(k == 0 ? residual! : sum, b, first, count),
                k == 0 ? Part(sum, b, first, count) : null, w);
            Tensor xz = Project(n, w, 0, 1);
            (Tensor gated, ChunkCarry next) = DeviceChunk.Forward(_device, xz, p, null, carry);
            Tensor rows = DeviceMambaCore.Flat(Part(y, b, first, count));
            if (k == 0)
            {
                DeviceGemm.RowsInto(DeviceMambaCore.Flat(gated), w.Out, rows);
            }
            else
            {
                DeviceGemm.AddRows(rows, DeviceMambaCore.Flat(gated), w.Out);
            }

            if (WillDifferentiate)
            {
                carries.Add(carry);
            }
            else
            {
                carry.Dispose();
            }

            carry = next.Detach();
        }

        carry.Dispose();
    }

    private void BackwardInChunks(Tensor sum, Tensor dn, Tensor dy, Weights w, LayerGradients sums)
    {
        for (long b = 0; b < sum.size(0); b++)
        {
            for (int k = 0; k < w.Directions.Length; k++)
            {
                List<ChunkCarry> carries = _carries![(b * w.Directions.Length) + k];
                (long First, long Count)[] chunks = [.. Chunks(sum.size(1), w.Directions[k].Reverse)];
                ChunkCarry? dnext = null;
                for (int c = chunks.Length - 1; c >= 0; c--)
                {
                    using DisposeScope scope = NewDisposeScope();
                    (long first, long count) = chunks[c];
                    Tensor n = Normed(null, Part(sum, b, first, count), null, w);
                    Tensor xz = Project(n, w, 0, 1);
                    Tensor rows = DeviceMambaCore.Flat(Part(dy, b, first, count));
                    Tensor dgated = DeviceGemm.Back(rows, w.Out).unsqueeze(0);
                    (Tensor gated, Tensor dxz, DirectionGradients part, ChunkCarry dcarry) =
                        DeviceChunk.Backward(_device, xz, w.Directions[k], null, carries[c], dgated, dnext);
                    sums.AddOut(DeviceGemm.Gradient(rows, DeviceMambaCore.Flat(gated)));
                    Tensor flat = DeviceMambaCore.Flat(dxz);
                    sums.AddIn(DeviceGemm.Gradient(flat, DeviceMambaCore.Flat(n)));
                    sums.Add(k, w.Directions.Length, part);
                    Tensor dnRows = DeviceMambaCore.Flat(Part(dn, b, first, count));
                    if (k == 0)
                    {
                        DeviceGemm.BackInto(flat, w.In, dnRows);
                    }
                    else
                    {
                        DeviceGemm.AddBack(dnRows, flat, w.In);
                    }

                    carries[c].Dispose();
                    dnext?.Dispose();
                    dnext = dcarry.Detach();
                }

                dnext?.Dispose();
            }
        }
    }

    // The norm of x + residual; the sum goes where it is wanted.
    private Tensor Normed(Tensor? x, Tensor? residual, Tensor? sumInto, Weights w)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor n, Tensor? sum, _) = NormKernels.Forward(_device, x, residual, w.Norm, _settings.NormEps, _settings.Activation, sumInto is not null, false);
        sumInto?.copy_(sum!);
        return n.MoveToOuterDisposeScope();
    }

    private static Tensor Part(Tensor t, long b, long first, long count) => t.narrow(0, b, 1).narrow(1, first, count);

    private static IEnumerable<(long First, long Count)> Chunks(long length, bool reverse)
    {
        for (long done = 0; done < length; done += ChunkTokens)
        {
            long count = Math.Min(ChunkTokens, length - done);
            yield return (reverse ? length - done - count : done, count);
        }
    }

    private void ReleaseCarries()
    {
        foreach (ChunkCarry c in (_carries ?? []).SelectMany(l => l))
        {
            c.Dispose();
        }
    }
}
