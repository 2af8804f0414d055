using GenoSeq.Torch;
using static GenoSeq.Torch.torch;
using static GenoSeq.Torch.torch.distributed;

namespace GenoSeq.Training.Distributed;

/// <summary>Where a parameter lies in its bucket.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">The parameter.</param>
/// <param name="Offset">Its first element in the bucket.</param>
/// <param name="Count">Its elements.</param>
internal sealed record FlatSlot(string Name, nn.Parameter Value, long Offset, long Count);

/// <summary>
/// Some parameters whose gradients lie one behind the other in one tensor, which is reduced at once. The parameters'
/// <c>.grad</c> are views of it, so that nothing is copied.
/// </summary>
internal sealed class FlatBucket : IDisposable
{
    // Elements; kernels read 16 bytes at a time, and memory moves in lines of 128.
    private const long Alignment = 64;

    private FlatBucket(IReadOnlyList<FlatSlot> slots, long length)
    {
        using DisposeScope scope = NewDisposeScope();
        Slots = slots;
        Length = length;
        Gradients = zeros([length], float32, slots[0].Value.device).DetachFromDisposeScope();
    }

    /// <summary>The parameters, in the order in which they lie here.</summary>
    internal IReadOnlyList<FlatSlot> Slots { get; }

    /// <summary>Elements, padding included; the ranks' shards are equally long.</summary>
    internal long Length { get; }

    /// <summary>f32 [length].</summary>
    internal Tensor Gradients { get; }

    /// <summary>f32 [length]: the parameters themselves, where every rank steps its shard of them; else null.</summary>
    internal Tensor? Values { get; private set; }

    /// <summary>Parameters whose gradient is still to come in this pass.</summary>
    internal int Waiting { get; set; }

    /// <summary>The reduction under way, or null.</summary>
    internal Work? Work { get; set; }

    /// <summary>Divides parameters among buckets, last parameter first: about the order in which gradients come.</summary>
    /// <param name="parameters">Trained parameters, f32 and contiguous, in order of registration.</param>
    /// <param name="firstBytes">Size of the first bucket, which is small so that its reduction begins early.</param>
    /// <param name="bytes">Size of the others; a parameter that is larger has one of its own.</param>
    /// <param name="ranks">Among how many ranks a bucket must divide.</param>
    internal static FlatBucket[] Divide(IEnumerable<(string Name, nn.Parameter Value)> parameters, long firstBytes, long bytes, int ranks)
    {
        var buckets = new List<FlatBucket>();
        var slots = new List<FlatSlot>();
        long end = 0;
        foreach ((string name, nn.Parameter p) in parameters.Reverse())
        {
            if (p.dtype != float32 || !p.is_contiguous())
            {
                throw new ArgumentException($"gradients are reduced in single precision; {name} has {p.Describe()}");
            }

            if (slots.Count > 0 && (end + p.numel()) * sizeof(float) > (buckets.Count == 0 ? firstBytes : bytes))
            {
                Close();
            }

            slots.Add(new FlatSlot(name, p, end, p.numel()));
            end = RoundUp(end + p.numel(), Alignment);
        }

        if (slots.Count > 0)
        {
            Close();
        }

        return [.. buckets];

        void Close()
        {
            buckets.Add(new FlatBucket([.. slots], RoundUp(end, Alignment * ranks)));
            slots.Clear();
            end = 0;
        }
    }

    /// <summary>Makes the parameters' gradients views of the bucket.</summary>
    internal void AttachGradients()
    {
        using IDisposable mode = no_grad();
        foreach (FlatSlot s in Slots)
        {
            using Tensor flat = Gradients.narrow(0, s.Offset, s.Count);
            using Tensor view = flat.view(s.Value.shape);
            s.Value.grad = view;
        }
    }

    /// <summary>Moves the parameters into one tensor, of which they become views.</summary>
    internal void FlattenValues()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Values = zeros([Length], float32, Gradients.device).DetachFromDisposeScope();
        foreach (FlatSlot s in Slots)
        {
            Tensor view = Values.narrow(0, s.Offset, s.Count).view(s.Value.shape);
            view.copy_(s.Value);
            s.Value.set_data(view);
        }
    }

    /// <summary>True when <c>.grad</c> of every parameter is still where the bucket put it.</summary>
    internal bool HoldsGradients() => Slots.All(s =>
    {
        using Tensor? g = s.Value.grad;
        return g is not null && g.data_ptr() == Gradients.data_ptr() + ((nint)s.Offset * sizeof(float));
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        Work?.Dispose();
        foreach (FlatSlot s in Slots)
        {
            s.Value.grad = null;
        }

        Gradients.Dispose();
        Values?.Dispose();
    }

    private static long RoundUp(long n, long to) => (n + to - 1) / to * to;
}
