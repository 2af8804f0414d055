using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Embedding;

/// <summary>
/// Pools states of one strand's positions by bins as chunks of them come, from either end. Bins are those of the sequence's own
/// positions: of the other strand, whose positions count from the other end, the first bin may be the short one.
/// </summary>
internal sealed class BinPooler
{
    // Results wait on the device, so that a chunk's need not be waited for.
    private const long WaitingBytes = 32L << 20;

    private readonly StatePooling _pooling;
    private readonly bool _lastIsFirst;
    private readonly long _length;
    private readonly int _bin;
    private readonly long _shift;
    private readonly int _width;
    private readonly bool _otherStrand;
    private readonly float[] _rows;
    private readonly double[] _open;
    private readonly List<(long FirstBin, int Bins, bool FromEnd, Tensor Values)> _waiting = [];
    private long _openBin = -1;
    private long _waitingBytes;

    /// <summary>Begins a sequence.</summary>
    /// <param name="pooling">How.</param>
    /// <param name="lastIsFirst">The states are mirror images: the last position that was read comes first.</param>
    /// <param name="length">Positions of the sequence.</param>
    /// <param name="bin">Positions of a bin; 0: all.</param>
    /// <param name="width">d_model.</param>
    /// <param name="otherStrand">Positions count from the sequence's end.</param>
    internal BinPooler(StatePooling pooling, bool lastIsFirst, long length, int bin, int width, bool otherStrand)
    {
        _bin = bin == 0 ? (int)length : bin;
        (_pooling, _lastIsFirst, _length, _width, _otherStrand) = (_bin == 1 ? StatePooling.None : pooling, lastIsFirst, length, width, otherStrand);
        Bins = (int)((length + _bin - 1) / _bin);
        _shift = otherStrand ? ((long)Bins * _bin) - length : 0;
        _rows = new float[checked(Bins * width)];
        _open = new double[width];
    }

    /// <summary>Number of bins.</summary>
    internal int Bins { get; }

    /// <summary>Adds a chunk.</summary>
    /// <param name="first">Its first position.</param>
    /// <param name="states">[length, width], on any device; not kept.</param>
    /// <param name="fromEnd">Chunks come from the last to the first.</param>
    internal void Add(long first, Tensor states, bool fromEnd)
    {
        using DisposeScope scope = NewDisposeScope();
        long begin = first + _shift;
        long end = begin + states.size(0);
        long firstBin = begin / _bin;
        int bins = (int)(((end - 1) / _bin) - firstBin + 1);
        // A copy: what came may be a view of states that change.
        Tensor values = (_bin == 1 ? states : Pool(states, begin, end, firstBin, bins)).to(float32).clone();
        _waiting.Add((firstBin, bins, fromEnd, values.DetachFromDisposeScope()));
        _waitingBytes += 4 * values.numel();
        if (_waitingBytes > WaitingBytes)
        {
            Flush();
        }
    }

    /// <summary>The rows [bins, width], in the order of the sequence's positions.</summary>
    internal float[] Rows()
    {
        Flush();
        Close();
        if (_otherStrand)
        {
            for (int low = 0, high = Bins - 1; low < high; low++, high--)
            {
                Span<float> a = _rows.AsSpan(low * _width, _width);
                Span<float> b = _rows.AsSpan(high * _width, _width);
                for (int c = 0; c < _width; c++)
                {
                    (a[c], b[c]) = (b[c], a[c]);
                }
            }
        }

        return _rows;
    }

    // [bins, width] of a chunk; the first and the last bin may be parts.
    private Tensor Pool(Tensor states, long begin, long end, long firstBin, int bins)
    {
        if (bins == 1)
        {
            return One(states).unsqueeze(0);
        }

        long head = ((firstBin + 1) * _bin) - begin;
        long whole = (end - begin - head) / _bin;
        long tail = end - begin - head - (whole * _bin);
        var parts = new List<Tensor> { One(states.narrow(0, 0, head)).unsqueeze(0) };
        if (whole > 0)
        {
            Tensor grid = states.narrow(0, head, whole * _bin).reshape(whole, _bin, _width);
            parts.Add(_pooling switch
            {
                StatePooling.Mean => grid.sum([1], false, float32),
                StatePooling.Max => grid.amax(1),
                _ => grid.select(1, _lastIsFirst ? 0 : _bin - 1),
            });
        }

        if (tail > 0)
        {
            parts.Add(One(states.narrow(0, head + (whole * _bin), tail)).unsqueeze(0));
        }

        return cat([.. parts.Select(p => p.to(float32))]);
    }

    private Tensor One(Tensor states) => _pooling switch
    {
        StatePooling.Mean => states.sum([0], false, float32),
        StatePooling.Max => states.amax(0),
        _ => states.select(0, _lastIsFirst ? 0 : states.size(0) - 1),
    };

    private void Flush()
    {
        foreach ((long firstBin, int bins, bool fromEnd, Tensor values) in _waiting)
        {
            float[] host = values.ToArray<float>();
            values.Dispose();
            for (int k = 0; k < bins; k++)
            {
                int at = fromEnd ? bins - 1 - k : k;
                Put(firstBin + at, host.AsSpan(at * _width, _width), fromEnd);
            }
        }

        _waiting.Clear();
        _waitingBytes = 0;
    }

    private void Put(long bin, ReadOnlySpan<float> values, bool fromEnd)
    {
        bool fresh = bin != _openBin;
        if (fresh)
        {
            Close();
            _openBin = bin;
        }

        // Which of a bin's parts has the position that was read last.
        bool newest = fromEnd == _lastIsFirst;
        for (int c = 0; c < _width; c++)
        {
            _open[c] = fresh ? values[c] : _pooling switch
            {
                StatePooling.Mean => _open[c] + values[c],
                StatePooling.Max => Math.Max(_open[c], values[c]),
                _ => newest ? values[c] : _open[c],
            };
        }
    }

    private void Close()
    {
        if (_openBin < 0)
        {
            return;
        }

        long from = Math.Max(0, (_openBin * _bin) - _shift);
        long to = Math.Min(_length, ((_openBin + 1) * _bin) - _shift);
        double scale = _pooling == StatePooling.Mean ? 1.0 / (to - from) : 1;
        Span<float> row = _rows.AsSpan((int)_openBin * _width, _width);
        for (int c = 0; c < _width; c++)
        {
            row[c] = (float)(_open[c] * scale);
        }

        _openBin = -1;
    }
}
