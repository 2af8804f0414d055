using GenoSeq.Torch;
using static GenoSeq.Torch.torch;
using static GenoSeq.Torch.torch.distributed;

namespace GenoSeq.Training.Distributed;

/// <summary>
/// The gradients of a model in a few flat buckets that are summed over the ranks while the backward pass still runs. A bucket
/// begins when the gradients of all its parameters are there, and never before the bucket before it, so that the ranks agree
/// on the order (Li et al. 2020, "PyTorch Distributed: Experiences on Accelerating Data Parallel Training").
/// </summary>
internal sealed class GradientBuckets : IDisposable
{
    private const long FirstShare = 25;

    private readonly RankGroup _group;
    private readonly bool _shard;
    private readonly List<IDisposable> _hooks = [];
    private int _next;
    private bool _armed;
    private bool _checked;

    /// <summary>Takes over the gradients of parameters.</summary>
    /// <param name="parameters">In order of registration; those that are not trained are left out.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="bytes">Size of a bucket.</param>
    /// <param name="shard">Each rank needs the sums of its shard only, and the parameters become views of flat tensors.</param>
    internal GradientBuckets(IEnumerable<(string Name, nn.Parameter Value)> parameters, RankGroup group, long bytes, bool shard)
    {
        _group = group;
        _shard = shard;
        Buckets = FlatBucket.Divide(parameters.Where(p => p.Value.requires_grad), bytes / FirstShare, bytes, group.WorldSize);
        foreach (FlatBucket bucket in Buckets)
        {
            if (shard)
            {
                bucket.FlattenValues();
            }

            bucket.AttachGradients();
        }

        // Behind the moves: parameters that move lose their hooks.
        Overlap(true);
    }

    /// <summary>The buckets, in the order of their reductions.</summary>
    internal FlatBucket[] Buckets { get; }

    /// <summary>
    /// Whether reductions begin during the backward pass, or behind it. The hooks that say when a gradient is there hold nodes of
    /// autograd, which belong to the stream that they were made on, so a pass that is captured on another stream must do without.
    /// </summary>
    internal void Overlap(bool overlap)
    {
        _hooks.ForEach(h => h.Dispose());
        _hooks.Clear();
        if (overlap)
        {
            _hooks.AddRange(Buckets.SelectMany(b => b.Slots.Select(s => s.Value.register_post_accumulate_grad_hook(() => Ready(b, s)))));
        }
    }

    /// <summary>Sets all gradients to zero and forgets what came before.</summary>
    internal void Zero()
    {
        using IDisposable mode = no_grad();
        _armed = false;
        _next = 0;
        foreach (FlatBucket b in Buckets)
        {
            b.Gradients.zero_();
        }
    }

    /// <summary>From now on gradients that come are final: to be called before the last pass of a step.</summary>
    internal void Arm()
    {
        foreach (FlatBucket b in Buckets)
        {
            b.Waiting = b.Slots.Count;
        }

        _armed = true;
    }

    /// <summary>Begins the reductions that have not begun: the gradients are as they are now.</summary>
    internal void StartRest()
    {
        _armed = false;
        if (!_checked && !Array.TrueForAll(Buckets, b => b.HoldsGradients()))
        {
            throw new InvalidOperationException("a gradient is not where its bucket is: somebody replaced .grad");
        }

        _checked = true;
        while (_next < Buckets.Length)
        {
            Start(Buckets[_next++]);
        }
    }

    /// <summary>Waits for the reductions (over NCCL: makes the GPU's queue wait).</summary>
    internal void Wait()
    {
        foreach (FlatBucket b in Buckets)
        {
            if (b.Work is { } work)
            {
                _group.Await(work);
                work.Dispose();
                b.Work = null;
            }
        }
    }

    /// <summary>This rank's part of a bucket's tensor.</summary>
    internal Tensor Shard(Tensor flat)
    {
        long each = flat.numel() / _group.WorldSize;
        return flat.narrow(0, _group.Rank * each, each);
    }

    /// <summary>Gives every rank the others' parts of a tensor of each bucket, in place.</summary>
    /// <param name="of">The tensor.</param>
    internal void GatherShards(Func<FlatBucket, Tensor> of)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Work[] works = [.. Buckets.Select(b => _group.Group!.all_gather_into_tensor(of(b), Shard(of(b)), async_op: true))];
        foreach (Work work in works)
        {
            _group.Await(work);
            work.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _hooks.ForEach(h => h.Dispose());
        Array.ForEach(Buckets, b => b.Dispose());
    }

    private void Ready(FlatBucket bucket, FlatSlot slot)
    {
        if (!_armed)
        {
            return;
        }

        if (bucket.Waiting == 0)
        {
            throw new InvalidOperationException($"the gradient of {slot.Name} came again after its bucket was reduced");
        }

        bucket.Waiting--;
        while (_next < Buckets.Length && Buckets[_next].Waiting == 0)
        {
            Start(Buckets[_next++]);
        }
    }

    private void Start(FlatBucket bucket)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        ProcessGroup group = _group.Group!;
        bucket.Work = _shard
            ? group.reduce_scatter_tensor(Shard(bucket.Gradients), bucket.Gradients, async_op: true)
            : group.all_reduce(bucket.Gradients, async_op: true);
    }
}
