using GenoSeq.Torch;
using static GenoSeq.Torch.torch;
using static GenoSeq.Torch.torch.distributed;

namespace GenoSeq.Models.Context;

/// <summary>
/// Ranks that each hold a part of the positions of every sequence, the first rank the first part. What a scan and its
/// convolution carry from one position to the next goes from rank to rank, and in the backward pass its gradient goes the
/// other way: [d_inner, d_state] and three positions of [d_inner] per direction and layer, whatever the length. Everything
/// else in a layer is local in time.
/// </summary>
/// <remarks>
/// Messages are handed over in the order in which the layers run, which is the same on every rank, on one channel for each
/// neighbour and way: so no rank can wait for one that waits for it. While one direction of a layer is with the first ranks
/// the other is with the last ones, and a causal model's ranks work on different layers at a time.
/// </remarks>
public sealed class ContextParallel : IDisposable
{
    private readonly ProcessGroup? _upFromBefore;
    private readonly ProcessGroup? _upToNext;
    private readonly ProcessGroup? _downToBefore;
    private readonly ProcessGroup? _downFromNext;
    private readonly Action<Work> _await;

    /// <summary>Joins the ranks of one sequence.</summary>
    /// <param name="rank">Which part of the positions this process has.</param>
    /// <param name="size">Number of parts.</param>
    /// <param name="join">
    /// Makes a group of two: from a name of its own, this process's position in it, and its size. All ranks make theirs in one
    /// order, from the first pair to the last.
    /// </param>
    /// <param name="wait">How to wait for a message; null: simply.</param>
    public ContextParallel(int rank, int size, Func<string, int, int, ProcessGroup> join, Action<Work>? wait = null)
    {
        ArgumentNullException.ThrowIfNull(join);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, size);
        (Rank, Size, _await) = (rank, size, wait ?? (w => w.Wait()));
        if (rank > 0)
        {
            _upFromBefore = Channel(join, $"up-{rank - 1}", 1);
            _downToBefore = Channel(join, $"down-{rank - 1}", 1);
        }

        if (rank < size - 1)
        {
            _upToNext = Channel(join, $"up-{rank}", 0);
            _downFromNext = Channel(join, $"down-{rank}", 0);
        }
    }

    /// <summary>Which part of the positions this process has, from 0.</summary>
    public int Rank { get; }

    /// <summary>Number of parts.</summary>
    public int Size { get; }

    /// <summary>Bytes that this rank has handed over so far.</summary>
    public long BytesSent { get; private set; }

    /// <summary>First position and number of positions of this rank's part of a sequence.</summary>
    /// <param name="length">Positions of the whole sequence.</param>
    public (int First, int Count) Part(int length)
    {
        int first = (int)((long)length * Rank / Size);
        return (first, (int)((long)length * (Rank + 1) / Size) - first);
    }

    /// <summary>How many ranks hold a chain before this one does.</summary>
    /// <param name="up">The chain goes from the first rank to the last.</param>
    internal int Before(bool up) => up ? Rank : Size - 1 - Rank;

    /// <summary>What the rank before this one in a chain handed over; null on the first.</summary>
    /// <param name="up">The chain goes from the first rank to the last.</param>
    /// <param name="count">Numbers of the message.</param>
    /// <param name="device">Where to put them.</param>
    /// <returns>f32 [count].</returns>
    internal Tensor? Receive(bool up, long count, Device device)
    {
        if ((up ? _upFromBefore : _downFromNext) is not { } channel)
        {
            return null;
        }

        Tensor message = empty([count], float32, device);
        using Work work = channel.broadcast(message, up ? 0 : 1, async_op: true);
        _await(work);
        return message;
    }

    /// <summary>Hands something over to the rank behind this one in a chain; does nothing on the last.</summary>
    /// <param name="up">The chain goes from the first rank to the last.</param>
    /// <param name="parts">What the message is made of.</param>
    internal void Send(bool up, params Tensor[] parts)
    {
        if ((up ? _upToNext : _downToBefore) is not { } channel)
        {
            return;
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor message = cat(Array.ConvertAll(parts, p => p.to(float32).reshape(-1)));
        BytesSent += message.numel() * sizeof(float);
        // Nobody waits: the backend keeps the message until it is taken.
        channel.broadcast(message, up ? 0 : 1, async_op: true).Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _upFromBefore?.Dispose();
        _upToNext?.Dispose();
        _downToBefore?.Dispose();
        _downFromNext?.Dispose();
    }

    // The first exchange sets a channel up, which must happen in the same order on both sides.
    private static ProcessGroup Channel(Func<string, int, int, ProcessGroup> join, string name, int position)
    {
        ProcessGroup group = join($"context-{name}", position, 2);
        using DisposeScope scope = NewDisposeScope();
        group.all_reduce(zeros([1], float32, group.Device));
        return group;
    }
}

/// <summary>How the positions of a batch lie on the ranks.</summary>
/// <param name="Ranks">The ranks.</param>
/// <param name="Ascending">
/// Batch entries, from the first, whose positions ascend with the ranks; those of the others, the other strands, descend.
/// </param>
public sealed record ContextShards(ContextParallel Ranks, long Ascending)
{
    /// <summary>The same for some of the batch entries.</summary>
    internal ContextShards Slice(long first, long count) => this with { Ascending = Math.Clamp(Ascending - first, 0, count) };

    /// <summary>Whether a scan of a batch entry goes from the first rank to the last.</summary>
    /// <param name="entry">The batch entry.</param>
    /// <param name="reverse">The scan reads from the last position.</param>
    internal bool Up(long entry, bool reverse) => (entry < Ascending) != reverse;
}
