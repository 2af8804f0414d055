using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>
/// Backward causal convolution. Four taps without resets take the path of <see cref="ConvFour{TOps, TVec}"/>, except where a
/// halo's gradient comes in; the rest goes row by row. A work item is a span of rows, taken in blocks: gradients before the activation are rebuilt for
/// a block and the taps - 1 steps after it, and then spread to the inputs. Weight and bias gradients are summed per item and
/// the items' sums added in order.
/// </summary>
internal sealed unsafe class ConvBackward<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    private const int BlockRows = 64;
    private const int MaxItemsPerBatch = 64;

    private readonly CausalConvInputs<float> _x;
    private readonly CausalConvGradients<float> _g;
    private readonly float* _weight;
    private readonly float* _sums;
    private readonly int _itemRows;
    private readonly int _itemsPerBatch;

    private ConvBackward(in CausalConvInputs<float> x, in CausalConvGradients<float> g, float* workspace)
    {
        _x = x;
        _g = g;
        _weight = workspace;
        _sums = workspace + ((long)x.Channels * x.Taps);
        _itemRows = ItemRows(x.Length);
        _itemsPerBatch = (x.Length + _itemRows - 1) / _itemRows;
    }

    public static void Run(in CausalConvInputs<float> x, in CausalConvGradients<float> g)
    {
        int rows = ItemRows(x.Length);
        int items = checked(x.Batch * ((x.Length + rows - 1) / rows));
        using KernelScratch.Lease lease = KernelScratch.ForCall((long)x.Channels * (x.Taps + ((long)items * (x.Taps + 1))));
        ConvShared<TOps, TVec>.TransposeWeight(x, lease.Data);
        var conv = new ConvBackward<TOps, TVec>(x, g, lease.Data);
        KernelThreads.For(items, conv.Item);
        conv.WriteParameters(items);
        if (x.Length == 0) conv.PassHaloThrough();
    }

    private static int ItemRows(int length) =>
        Math.Max(4 * BlockRows, (length + MaxItemsPerBatch - 1) / MaxItemsPerBatch);

    private void Item(int item)
    {
        int channels = _x.Channels;
        int taps = _x.Taps;
        int batch = item / _itemsPerBatch;
        int start = item % _itemsPerBatch * _itemRows;
        int end = Math.Min(start + _itemRows, _x.Length);
        float* sums = _sums + ((long)item * channels * (taps + 1));
        new Span<float>(sums, channels * (taps + 1)).Clear();
        int first = 0;
        bool touchesHalo = (start == 0 && _g.DInitialHalo != null) || (end > _x.Length - taps + 1 && _g.DFinalHalo != null);
        if (taps == 4 && _x.SequenceIds == null && !touchesHalo)
        {
            for (; first <= channels - TOps.Width; first += TOps.Width)
                ConvFour<TOps, TVec>.Backward(_x, _g, _weight, sums, batch, start, end, first);
            if (first == channels) return;
        }

        float* grad = KernelScratch.ForItem((long)(BlockRows + taps) * channels);
        float** inputs = stackalloc float*[CausalConv.MaxTaps];
        for (int block = start; block < end; block += BlockRows)
        {
            int blockEnd = Math.Min(block + BlockRows, end);
            int gradEnd = Math.Min(blockEnd + taps - 1, _x.Length);
            for (int step = block; step < gradEnd; step++)
            {
                ConvShared<TOps, TVec>.Collect(_x, batch, step, inputs);
                float* row = grad + ((long)(step - block) * channels);
                GradientRow(inputs, _g.DOut.At(batch, _x.Time(step)), row, step < blockEnd ? sums : null, first);
            }

            if (_g.DX.IsPresent) SpreadBlock(batch, block, blockEnd, grad, inputs, first);
            if (block == 0 && _g.DInitialHalo != null) SpreadHalo(batch, grad, inputs);
        }
    }

    private void SpreadBlock(int batch, int start, int end, float* grad, float** rows, int first)
    {
        for (int step = start; step < end; step++)
        {
            CollectLater(batch, step, start, grad, rows);
            SpreadRow(rows, FinalHaloGradient(batch, step), _g.DX.At(batch, _x.Time(step)), _g.AccumulateX, first);
        }
    }

    private void SpreadHalo(int batch, float* grad, float** rows)
    {
        for (int step = 1 - _x.Taps; step < 0; step++)
        {
            CollectLater(batch, step, 0, grad, rows);
            float* target = _g.DInitialHalo + ((((long)batch * (_x.Taps - 1)) + _x.Taps - 1 + step) * _x.Channels);
            SpreadRow(rows, FinalHaloGradient(batch, step), target, add: false, first: 0);
        }
    }

    // With no steps at all, the final halo is the initial one.
    private void PassHaloThrough()
    {
        if (_g.DInitialHalo == null) return;
        var target = new Span<float>(_g.DInitialHalo, _x.Batch * (_x.Taps - 1) * _x.Channels);
        if (_g.DFinalHalo == null) target.Clear();
        else new ReadOnlySpan<float>(_g.DFinalHalo, target.Length).CopyTo(target);
    }

    // The gradient rows of the steps that look at this one: rows[j] belongs to tap j.
    private void CollectLater(int batch, int step, int origin, float* grad, float** rows)
    {
        bool open = true;
        for (int ahead = 0; ahead < _x.Taps; ahead++)
        {
            int later = step + ahead;
            if (ahead > 0 && _x.ResetsAt(batch, later)) open = false;
            bool used = open && later >= 0 && later < _x.Length;
            rows[_x.Taps - 1 - ahead] = used ? grad + ((long)(later - origin) * _x.Channels) : null;
        }
    }

    private float* FinalHaloGradient(int batch, int step)
    {
        int back = _x.Length - 1 - step;
        if (_g.DFinalHalo == null || back >= _x.Taps - 1 || back >= _x.Reach(batch, _x.Length)) return null;
        return _g.DFinalHalo + ((((long)batch * (_x.Taps - 1)) + _x.Taps - 2 - back) * _x.Channels);
    }

    // Gradient before the activation; adds the step's share to the weight and bias sums unless sums is null.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void GradientRow(float** inputs, float* dout, float* target, float* sums, int first)
    {
        int channels = _x.Channels;
        int taps = _x.Taps;
        bool four = ConvShared<TOps, TVec>.IsFour(inputs, taps);
        bool silu = _x.Silu;
        float* weight = _weight;
        float* bias = _x.Bias;
        TVec one = TOps.Broadcast(1f);
        for (int d = first; d < channels; d += TOps.Width)
        {
            int lanes = Math.Min(TOps.Width, channels - d);
            TVec grad = Lanes<TOps, TVec>.Load(dout + d, lanes);
            if (silu)
            {
                TVec value = ConvShared<TOps, TVec>.Linear(inputs, taps, four, weight, bias, channels, d, lanes);
                TVec sigmoid = VectorMath<TOps, TVec>.Sigmoid(value);
                TVec slope = TOps.Fma(TOps.Mul(value, sigmoid), TOps.Sub(one, sigmoid), sigmoid);
                grad = TOps.Mul(grad, slope);
            }

            Lanes<TOps, TVec>.Store(target + d, grad, lanes);
            if (sums == null) continue;
            float* sum = sums + d;
            for (int j = 0; j < taps; j++, sum += channels)
            {
                if (inputs[j] == null) continue;
                TVec input = Lanes<TOps, TVec>.Load(inputs[j] + d, lanes);
                Lanes<TOps, TVec>.Store(sum, TOps.Fma(grad, input, Lanes<TOps, TVec>.Load(sum, lanes)), lanes);
            }

            Lanes<TOps, TVec>.Store(sum, TOps.Add(grad, Lanes<TOps, TVec>.Load(sum, lanes)), lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void SpreadRow(float** rows, float* extra, float* target, bool add, int first)
    {
        int channels = _x.Channels;
        int taps = _x.Taps;
        bool four = ConvShared<TOps, TVec>.IsFour(rows, taps);
        float* weight = _weight;
        for (int d = first; d < channels; d += TOps.Width)
        {
            int lanes = Math.Min(TOps.Width, channels - d);
            TVec value = ConvShared<TOps, TVec>.Linear(rows, taps, four, weight, extra, channels, d, lanes);
            if (add) value = TOps.Add(value, Lanes<TOps, TVec>.Load(target + d, lanes));
            Lanes<TOps, TVec>.Store(target + d, value, lanes);
        }
    }

    private void WriteParameters(int items)
    {
        int channels = _x.Channels;
        int count = channels * (_x.Taps + 1);
        float* total = KernelScratch.ForItem(count);
        PartialSums<TOps, TVec>.Write(_sums, items, count, total, accumulate: false);
        for (int d = 0; d < channels; d++)
        {
            for (int j = 0; j < _x.Taps && _g.DWeight != null; j++)
                Put(_g.DWeight + ((long)d * _x.Taps) + j, total[(j * channels) + d]);
            if (_g.DBias != null) Put(_g.DBias + d, total[(_x.Taps * channels) + d]);
        }
    }

    private void Put(float* target, float value) => *target = _g.AccumulateParameters ? *target + value : value;
}
