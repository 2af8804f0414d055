using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Distributed;

/// <summary>
/// An optimizer's state divided among the ranks (Rajbhandari et al. 2020, "ZeRO", stage 1): each rank has the moments of its
/// shard of every bucket, steps the parameters in it, and gets the others' from them. To the optimizer a shard is a list of
/// pieces of parameters, each a parameter of its own that shares the whole one's memory.
/// </summary>
internal sealed class ShardedMoments : IDisposable
{
    private readonly GradientBuckets _buckets;
    private readonly Dictionary<string, Piece> _pieces = [];

    /// <summary>Cuts this rank's pieces.</summary>
    /// <param name="buckets">Flat gradients and parameters.</param>
    /// <param name="group">The ranks.</param>
    internal ShardedMoments(GradientBuckets buckets, RankGroup group)
    {
        _buckets = buckets;
        using DisposeScope scope = NewDisposeScope();
        foreach (FlatBucket b in buckets.Buckets)
        {
            long each = b.Length / group.WorldSize;
            (long begin, long end) = (group.Rank * each, (group.Rank + 1) * each);
            foreach (FlatSlot s in b.Slots)
            {
                long first = Math.Max(begin, s.Offset);
                long count = Math.Min(end, s.Offset + s.Count) - first;
                if (count > 0)
                {
                    var piece = new nn.Parameter(b.Values!.narrow(0, first, count)) { NoWeightDecay = s.Value.NoWeightDecay };
                    piece.grad = b.Gradients.narrow(0, first, count);
                    _pieces.Add(s.Name, new Piece(piece, first - s.Offset));
                }
            }
        }
    }

    /// <summary>This rank's piece of a parameter, or null.</summary>
    internal nn.Parameter? PieceOf(string name) => _pieces.TryGetValue(name, out Piece? p) ? p.Value : null;

    /// <summary>What this rank keeps of a whole moment.</summary>
    /// <param name="name">The parameter.</param>
    /// <param name="whole">The moment of the whole parameter.</param>
    internal Tensor Cut(string name, Tensor whole)
    {
        Piece p = _pieces[name];
        return whole.reshape(-1).narrow(0, p.First, p.Value.numel());
    }

    /// <summary>Norm of this rank's gradients, squared.</summary>
    internal double SquaredNorm()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        return stack([.. _buckets.Buckets.Select(b => _buckets.Shard(b.Gradients).norm().to(float64))]).square().sum().item();
    }

    /// <summary>Gives every rank the parameters that the others stepped.</summary>
    internal void GatherParameters()
    {
        _buckets.GatherShards(b => b.Values!);
        foreach (FlatSlot s in _buckets.Buckets.SelectMany(b => b.Slots))
        {
            s.Value.bump_version();
        }
    }

    /// <summary>The moments of whole parameters, put together on rank 0 (on its CPU); empty on the others.</summary>
    /// <param name="optimizer">This rank's optimizer, over its pieces.</param>
    /// <param name="group">The ranks.</param>
    internal Dictionary<string, (Tensor ExpAvg, Tensor ExpAvgSq)> GatherMoments(optim.AdamW optimizer, RankGroup group)
    {
        using IDisposable mode = no_grad();
        Dictionary<string, (Tensor M, Tensor V)> mine = optimizer.State.ToDictionary(s => s.Name, s => (s.ExpAvg, s.ExpAvgSq));
        var first = new Dictionary<string, Tensor>();
        var second = new Dictionary<string, Tensor>();
        // Bucket by bucket, so that no device holds all moments at once.
        foreach (FlatBucket b in _buckets.Buckets)
        {
            GatherBucket(b, group, name => mine[name].M, first);
            GatherBucket(b, group, name => mine[name].V, second);
        }

        return first.ToDictionary(p => p.Key, p => (p.Value, second[p.Key]));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Piece p in _pieces.Values)
        {
            p.Value.Dispose();
        }
    }

    private void GatherBucket(FlatBucket b, RankGroup group, Func<string, Tensor> mine, Dictionary<string, Tensor> whole)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor flat = zeros([b.Length], float32, b.Gradients.device);
        foreach (FlatSlot s in b.Slots)
        {
            if (_pieces.TryGetValue(s.Name, out Piece? p))
            {
                flat.narrow(0, s.Offset + p.First, p.Value.numel()).copy_(mine(s.Name));
            }
        }

        using (torch.distributed.Work work = group.Group!.all_gather_into_tensor(flat, _buckets.Shard(flat), async_op: true))
        {
            group.Await(work);
        }

        if (group.IsFirst)
        {
            Tensor here = flat.cpu();
            foreach (FlatSlot s in b.Slots)
            {
                whole.Add(s.Name, here.narrow(0, s.Offset, s.Count).view(s.Value.shape).clone().DetachFromDisposeScope());
            }
        }
    }

    // First: the piece's first element in its parameter.
    private sealed record Piece(nn.Parameter Value, long First);
}
