using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>The SiLU-gated product: lanes are channels, work items are blocks of rows.</summary>
internal static unsafe class SwiGluCpu<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    private const int MinRows = 32;

    public static void Forward(in SwiGluInputs<float> inputs, Rows<float> output)
    {
        SwiGluInputs<float> x = inputs;
        var blocks = new RowBlocks(x.Batch, x.Length, MinRows);
        KernelThreads.For(blocks.Items, item =>
        {
            for (long i = blocks.Start(item); i < blocks.End(item); i++)
            {
                long b = i / x.Length;
                long t = i % x.Length;
                ForwardRow(x.Gate.At(b, t), x.Up.At(b, t), output.At(b, t), x.Channels);
            }
        });
    }

    public static void Backward(in SwiGluInputs<float> inputs, in SwiGluGradients<float> gradients)
    {
        SwiGluInputs<float> x = inputs;
        SwiGluGradients<float> g = gradients;
        var blocks = new RowBlocks(x.Batch, x.Length, MinRows);
        KernelThreads.For(blocks.Items, item =>
        {
            for (long i = blocks.Start(item); i < blocks.End(item); i++)
            {
                long b = i / x.Length;
                long t = i % x.Length;
                float* dGate = g.DGate.IsPresent ? g.DGate.At(b, t) : null;
                float* dUp = g.DUp.IsPresent ? g.DUp.At(b, t) : null;
                BackwardRow(x.Gate.At(b, t), x.Up.At(b, t), g.DOut.At(b, t), dGate, dUp, x.Channels);
            }
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void ForwardRow(float* gate, float* up, float* output, int channels)
    {
        for (int d = 0; d < channels; d += TOps.Width)
        {
            int lanes = Math.Min(TOps.Width, channels - d);
            TVec v = Lanes<TOps, TVec>.Load(gate + d, lanes);
            TVec silu = TOps.Mul(v, VectorMath<TOps, TVec>.Sigmoid(v));
            Lanes<TOps, TVec>.Store(output + d, TOps.Mul(silu, Lanes<TOps, TVec>.Load(up + d, lanes)), lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void BackwardRow(float* gate, float* up, float* dout, float* dGate, float* dUp, int channels)
    {
        TVec one = TOps.Broadcast(1f);
        for (int d = 0; d < channels; d += TOps.Width)
        {
            int lanes = Math.Min(TOps.Width, channels - d);
            TVec v = Lanes<TOps, TVec>.Load(gate + d, lanes);
            TVec w = Lanes<TOps, TVec>.Load(up + d, lanes);
            TVec grad = Lanes<TOps, TVec>.Load(dout + d, lanes);
            TVec sigmoid = VectorMath<TOps, TVec>.Sigmoid(v);
            TVec silu = TOps.Mul(v, sigmoid);
            TVec slope = TOps.Fma(silu, TOps.Sub(one, sigmoid), sigmoid);
            if (dGate != null) Lanes<TOps, TVec>.Store(dGate + d, TOps.Mul(TOps.Mul(grad, w), slope), lanes);
            if (dUp != null) Lanes<TOps, TVec>.Store(dUp + d, TOps.Mul(grad, silu), lanes);
        }
    }
}
