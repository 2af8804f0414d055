using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>One output row of the causal convolution before its activation, shared by the forward and backward kernels.</summary>
internal static unsafe class ConvShared<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    /// <summary>Copies [channel, tap] to [tap][channel], so that lanes can be channels.</summary>
    public static void TransposeWeight(in CausalConvInputs<float> x, float* target)
    {
        for (int d = 0; d < x.Channels; d++)
        {
            for (int j = 0; j < x.Taps; j++) target[((long)j * x.Channels) + d] = x.Weight[((long)d * x.Taps) + j];
        }
    }

    /// <summary>Collects the addresses of the inputs a step looks at, one per tap, null where there is none.</summary>
    public static void Collect(in CausalConvInputs<float> x, int batch, int step, float** taps)
    {
        int reach = x.Reach(batch, step);
        for (int back = 0; back < x.Taps; back++) taps[x.Taps - 1 - back] = back <= reach ? x.Input(batch, step - back) : null;
    }

    /// <summary>Bias plus the weighted inputs of one register of channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Linear(float** taps, int count, bool four, float* weight, float* bias, long channels, int d, int lanes)
    {
        TVec sum = bias == null ? TOps.Broadcast(0f) : Lanes<TOps, TVec>.Load(bias + d, lanes);
        if (four)
        {
            sum = TOps.Fma(Lanes<TOps, TVec>.Load(taps[0] + d, lanes), Lanes<TOps, TVec>.Load(weight + d, lanes), sum);
            sum = TOps.Fma(Lanes<TOps, TVec>.Load(taps[1] + d, lanes), Lanes<TOps, TVec>.Load(weight + channels + d, lanes), sum);
            sum = TOps.Fma(
                Lanes<TOps, TVec>.Load(taps[2] + d, lanes), Lanes<TOps, TVec>.Load(weight + (2 * channels) + d, lanes), sum);
            return TOps.Fma(
                Lanes<TOps, TVec>.Load(taps[3] + d, lanes), Lanes<TOps, TVec>.Load(weight + (3 * channels) + d, lanes), sum);
        }

        for (int j = 0; j < count; j++)
        {
            if (taps[j] == null) continue;
            TVec w = Lanes<TOps, TVec>.Load(weight + (j * channels) + d, lanes);
            sum = TOps.Fma(Lanes<TOps, TVec>.Load(taps[j] + d, lanes), w, sum);
        }

        return sum;
    }

    /// <summary>Whether the unrolled four-tap form applies: exactly four taps, all present.</summary>
    public static bool IsFour(float** taps, int count) =>
        count == 4 && taps[0] != null && taps[1] != null && taps[2] != null && taps[3] != null;
}
