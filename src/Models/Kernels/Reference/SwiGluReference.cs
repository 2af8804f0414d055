using System.Numerics;

namespace GenoSeq.Models.Kernels.Reference;

/// <summary>The SiLU-gated product as plain loops.</summary>
internal static unsafe class SwiGluReference
{
    public static void Forward<T>(in SwiGluInputs<T> x, Rows<T> output)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int b = 0; b < x.Batch; b++)
        {
            for (int t = 0; t < x.Length; t++)
            {
                for (int d = 0; d < x.Channels; d++)
                    output.At(b, t)[d] = ReferenceMath<T>.Silu(x.Gate.At(b, t)[d]) * x.Up.At(b, t)[d];
            }
        }
    }

    public static void Backward<T>(in SwiGluInputs<T> x, in SwiGluGradients<T> g)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        for (int b = 0; b < x.Batch; b++)
        {
            for (int t = 0; t < x.Length; t++)
            {
                for (int d = 0; d < x.Channels; d++)
                {
                    T gate = x.Gate.At(b, t)[d];
                    T up = x.Up.At(b, t)[d];
                    T grad = g.DOut.At(b, t)[d];
                    if (g.DGate.IsPresent) g.DGate.At(b, t)[d] = grad * up * ReferenceMath<T>.SiluSlope(gate);
                    if (g.DUp.IsPresent) g.DUp.At(b, t)[d] = grad * ReferenceMath<T>.Silu(gate);
                }
            }
        }
    }
}
