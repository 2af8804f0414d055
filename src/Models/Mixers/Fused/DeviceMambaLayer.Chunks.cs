using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>
/// The layer in time chunks. A direction goes through the chunks in its scan order and keeps only what it carried into each;
/// backward computes each chunk again from that, in the other order, and carries gradients. Directions share nothing but the
/// layer's input and the sums of their outputs and gradients, so they run one after the other. Where positions are divided among
/// ranks, the first chunk begins with what the rank before handed over, and the last one's end is handed on.
/// </summary>
internal sealed partial class DeviceMambaLayer
{
    private List<ChunkCarry>[]? _carries;

    /// <summary>Positions of a time chunk.</summary>
    internal static long ChunkTokens { get; set; } = 1 << 17;

    // Resets at sequence boundaries reach across chunks; packed inputs are short sequences and need no chunks.
    // Without a backward pass long inputs always go in chunks: it costs nothing but a second in_proj, and memory stays flat.
    private bool InChunks(long length) =>
        _ids is null && (_settings.Shards is not null || Memory == LayerMemory.RecomputeTime || (!WillDifferentiate && length > 2 * ChunkTokens));

    private (Tensor Y, Tensor Sum) ForwardInChunks(Tensor x, Tensor? residual, Weights w)
    {
        // Without a backward pass the residual stream is written over: it has no other reader then.
        Tensor sum = residual is not null && !WillDifferentiate ? residual.alias() : empty(x.shape, float32, x.device);
        Tensor y = empty(x.shape, x.dtype, x.device);
        long batch = x.size(0);
        _carries = WillDifferentiate ? new List<ChunkCarry>[batch * w.Directions.Length] : null;
        foreach ((long b, int k, bool begins) in Order(batch, false))
        {
            var carries = new List<ChunkCarry>();
            ForwardEntry(b, k, begins, x, residual, sum, y, w, carries);
            if (_carries is not null)
            {
                _carries[(b * w.Directions.Length) + k] = carries;
            }
        }

        return (y, sum);
    }

    private void ForwardEntry(long b, int k, bool begins, Tensor x, Tensor? residual, Tensor sum, Tensor y, Weights w, List<ChunkCarry> carries)
    {
        DeviceDirection p = w.Directions[k];
        bool up = Up(b, k);
        ChunkCarry carry = (Receive(up, p, w, x) ?? ChunkCarry.Zero(w.Out.size(1), p.States, x.dtype, x.device)).Detach();
        foreach ((long first, long count) in Chunks(x.size(1), p.Reverse))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor n = Normed(begins ? Part(x, b, first, count) : null, begins && residual is null ? null : Part(begins ? residual! : sum, b, first, count),
                begins ? Part(sum, b, first, count) : null, w);
            Tensor xz = Project(n, w, 0, 1);
            (Tensor gated, ChunkCarry next) = DeviceChunk.Forward(_device, xz, p, null, carry);
            Tensor rows = DeviceMambaCore.Flat(Part(y, b, first, count));
            if (begins)
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

        _settings.Shards?.Ranks.Send(up, carry.State, carry.Halo);
        carry.Dispose();
    }

    private void BackwardInChunks(Tensor sum, Tensor dn, Tensor dy, Weights w, LayerGradients sums)
    {
        foreach ((long b, int k, bool begins) in Order(sum.size(0), true))
        {
            List<ChunkCarry> carries = _carries![(b * w.Directions.Length) + k];
            (long First, long Count)[] chunks = [.. Chunks(sum.size(1), w.Directions[k].Reverse)];
            bool up = Up(b, k);
            ChunkCarry? dnext = Receive(!up, w.Directions[k], w, dy)?.Detach();
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
                if (begins)
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

            _settings.Shards?.Ranks.Send(!up, dnext!.State, dnext.Halo);
            dnext?.Dispose();
        }
    }

    // Batch entries and directions in the order in which they run, and whether an entry's first. Where ranks hand over to each
    // other, what can begin here comes first, so that the others need not wait for it.
    private IEnumerable<(long Entry, int Direction, bool Begins)> Order(long batch, bool backward)
    {
        int directions = _settings.Reverse.Length;
        IEnumerable<long> tasks = Enumerable.Range(0, checked((int)batch * directions)).Select(t => (long)t);
        if (_settings.Shards is { } shards)
        {
            tasks = tasks.OrderBy(t => shards.Ranks.Before(Up(t / directions, (int)(t % directions)) != backward));
        }

        var begun = new HashSet<long>();
        foreach (long t in tasks)
        {
            yield return (t / directions, (int)(t % directions), begun.Add(t / directions));
        }
    }

    private bool Up(long entry, int direction) => _settings.Shards?.Up(entry, _settings.Reverse[direction]) ?? true;

    private ChunkCarry? Receive(bool up, DeviceDirection p, Weights w, Tensor like)
    {
        using DisposeScope scope = NewDisposeScope();
        long d = w.Out.size(1);
        if (_settings.Shards?.Ranks.Receive(up, d * (p.States + 3), like.device) is not { } message)
        {
            return null;
        }

        // Tensors of their own: the two parts live on as long as each is needed.
        Tensor state = message.narrow(0, 0, d * p.States).view(1, d, p.States).clone();
        Tensor halo = message.narrow(0, d * p.States, 3 * d).view(1, 3, d).to(like.dtype).clone();
        return new ChunkCarry(state.MoveToOuterDisposeScope(), halo.MoveToOuterDisposeScope());
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
