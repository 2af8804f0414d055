using System.Runtime.CompilerServices;
using GenoSeq.Models.Kernels.Reference;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>
/// Forward causal convolution: lanes are channels, work items are blocks of rows. Four taps without resets take the path of
/// <see cref="ConvFour{TOps, TVec}"/>; anything else goes row by row, as does a last, partly filled register of channels.
/// </summary>
internal sealed unsafe class ConvForward<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    private const int BlockRows = 128;

    private readonly CausalConvInputs<float> _x;
    private readonly CausalConvOutputs<float> _o;
    private readonly float* _weight;
    private readonly int _blocks;

    private ConvForward(in CausalConvInputs<float> x, in CausalConvOutputs<float> o, float* weight)
    {
        _x = x;
        _o = o;
        _weight = weight;
        _blocks = (x.Length + BlockRows - 1) / BlockRows;
    }

    public static void Run(in CausalConvInputs<float> x, in CausalConvOutputs<float> o)
    {
        using KernelScratch.Lease lease = KernelScratch.ForCall((long)x.Channels * x.Taps);
        ConvShared<TOps, TVec>.TransposeWeight(x, lease.Data);
        var conv = new ConvForward<TOps, TVec>(x, o, lease.Data);
        KernelThreads.For(checked(x.Batch * conv._blocks), conv.Item);
        for (int b = 0; b < x.Batch; b++) CausalConvReference.WriteFinalHalo(x, o.FinalHalo, b);
    }

    private void Item(int item)
    {
        int batch = item / _blocks;
        int start = item % _blocks * BlockRows;
        int end = Math.Min(start + BlockRows, _x.Length);
        int first = 0;
        if (_x.Taps == 4 && _x.SequenceIds == null)
        {
            for (; first <= _x.Channels - TOps.Width; first += TOps.Width)
                ConvFour<TOps, TVec>.Forward(_x, _o, _weight, batch, start, end, first);
            if (first == _x.Channels) return;
        }

        float** taps = stackalloc float*[CausalConv.MaxTaps];
        for (int step = start; step < end; step++)
        {
            ConvShared<TOps, TVec>.Collect(_x, batch, step, taps);
            Row(taps, _o.Out.At(batch, _x.Time(step)), first);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Row(float** taps, float* target, int first)
    {
        int channels = _x.Channels;
        int count = _x.Taps;
        bool four = ConvShared<TOps, TVec>.IsFour(taps, count);
        bool silu = _x.Silu;
        float* weight = _weight;
        float* bias = _x.Bias;
        for (int d = first; d < channels; d += TOps.Width)
        {
            int lanes = Math.Min(TOps.Width, channels - d);
            TVec value = ConvShared<TOps, TVec>.Linear(taps, count, four, weight, bias, channels, d, lanes);
            if (silu) value = TOps.Mul(value, VectorMath<TOps, TVec>.Sigmoid(value));
            Lanes<TOps, TVec>.Store(target + d, value, lanes);
        }
    }
}
