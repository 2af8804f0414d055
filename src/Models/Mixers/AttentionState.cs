using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>Keys and values of the positions so far; with a sliding window only of the last ones, in a ring.</summary>
public sealed class AttentionState : MixerState
{
    private readonly int _window;
    private Tensor _keys;
    private Tensor _values;

    /// <summary>An empty cache.</summary>
    public AttentionState(long batch, long heads, long dHead, int window, Device device)
    {
        _window = window;
        long capacity = window > 0 ? window : 64;
        _keys = empty([batch, heads, capacity, dHead], float32, device).DetachFromDisposeScope();
        _values = empty([batch, heads, capacity, dHead], float32, device).DetachFromDisposeScope();
    }

    /// <summary>Positions seen.</summary>
    public long Position { get; private set; }

    /// <inheritdoc/>
    public override long Bytes => 4 * (_keys.numel() + _values.numel());

    /// <summary>
    /// [batch, n_kv_head, held, d_head]. Softmax does not depend on the order of keys, and their rotation was applied when they
    /// came: a ring needs no shifting. Position t lies at t, of a ring at t modulo the window.
    /// </summary>
    internal Tensor Keys => _keys.narrow(2, 0, Held);

    internal Tensor Values => _values.narrow(2, 0, Held);

    internal override MixerState Row(int row)
    {
        using DisposeScope scope = NewDisposeScope();
        var own = new AttentionState(1, _keys.size(1), _keys.size(3), _window, _keys.device) { Position = Position };
        own._keys.Dispose();
        own._values.Dispose();
        own._keys = Entry(_keys, row);
        own._values = Entry(_values, row);
        return own;
    }

    /// <summary>Keys and values in the order of their positions, the last one that of the last position.</summary>
    internal (Tensor Keys, Tensor Values) Before()
    {
        long at = Position % _keys.size(2);
        return _window == 0 || Position <= _keys.size(2) || at == 0 ? (Keys, Values) : (Turned(_keys, at), Turned(_values, at));
    }

    /// <summary>Slots that hold something, the first so many.</summary>
    internal long Held => Math.Min(Position, _keys.size(2));

    /// <summary>Takes further positions [batch, n_kv_head, length, d_head] over.</summary>
    internal void Append(Tensor k, Tensor v)
    {
        using DisposeScope scope = NewDisposeScope();
        long length = k.size(2);
        long capacity = _keys.size(2);
        if (_window == 0)
        {
            while (capacity < Position + length)
            {
                capacity *= 2;
            }

            _keys = Grown(_keys, capacity);
            _values = Grown(_values, capacity);
        }

        long kept = Math.Min(length, capacity);
        long from = length - kept;
        long at = (Position + from) % capacity;
        long run = Math.Min(kept, capacity - at);
        Copy(_keys, k, at, from, run);
        Copy(_values, v, at, from, run);
        if (run < kept)
        {
            Copy(_keys, k, 0, from + run, kept - run);
            Copy(_values, v, 0, from + run, kept - run);
        }

        Position += length;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _keys.Dispose();
            _values.Dispose();
        }
    }

    // With room for as many positions; what is not held is not copied.
    private Tensor Entry(Tensor all, int row)
    {
        Tensor copy = empty([1, all.size(1), all.size(2), all.size(3)], all.dtype, all.device).DetachFromDisposeScope();
        copy.narrow(2, 0, Held).copy_(all.narrow(0, row, 1).narrow(2, 0, Held));
        return copy;
    }

    private static Tensor Turned(Tensor t, long at) => cat([t.narrow(2, at, t.size(2) - at), t.narrow(2, 0, at)], 2);

    private static void Copy(Tensor to, Tensor from, long at, long first, long count) => to.narrow(2, at, count).copy_(from.narrow(2, first, count));

    private Tensor Grown(Tensor t, long capacity)
    {
        if (capacity == t.size(2))
        {
            return t;
        }

        Tensor bigger = empty([t.size(0), t.size(1), capacity, t.size(3)], t.dtype, t.device).DetachFromDisposeScope();
        bigger.narrow(2, 0, Position).copy_(t.narrow(2, 0, Position));
        t.Dispose();
        return bigger;
    }
}
