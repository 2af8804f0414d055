using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>RMSNorm with residual: lanes are channels, work items are blocks of rows.</summary>
internal static unsafe class RmsNormCpu<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    private const int MinRows = 64;

    public static void Forward(in RmsNormInputs<float> inputs, in RmsNormOutputs<float> outputs)
    {
        RmsNormInputs<float> x = inputs;
        RmsNormOutputs<float> o = outputs;
        var blocks = new RowBlocks(x.Batch, x.Length, MinRows);
        KernelThreads.For(blocks.Items, item =>
        {
            float* sum = KernelScratch.ForItem(x.Channels);
            for (long i = blocks.Start(item); i < blocks.End(item); i++)
            {
                long b = i / x.Length;
                long t = i % x.Length;
                float* row = o.ResidualSum.IsPresent ? o.ResidualSum.At(b, t) : sum;
                float* residual = x.Residual.IsPresent ? x.Residual.At(b, t) : null;
                float squares = AddAndSquare(x.X.At(b, t), residual, row, x.Channels);
                float rstd = 1f / MathF.Sqrt((squares / x.Channels) + x.Epsilon);
                if (o.Rstd != null) o.Rstd[i] = rstd;
                Normalise(row, x.Weight, rstd, o.Y.At(b, t), x.Channels);
            }
        });
    }

    public static void Backward(in RmsNormGradients<float> gradients)
    {
        RmsNormGradients<float> g = gradients;
        var blocks = new RowBlocks(g.Batch, g.Length, MinRows);
        int channels = g.Channels;
        using KernelScratch.Lease lease = KernelScratch.ForCall(g.DWeight == null ? 0 : (long)blocks.Items * channels);
        float* partial = lease.Data;
        KernelThreads.For(blocks.Items, item =>
        {
            float* sum = g.DWeight == null ? null : partial + ((long)item * channels);
            if (sum != null) new Span<float>(sum, channels).Clear();
            for (long i = blocks.Start(item); i < blocks.End(item); i++)
            {
                long b = i / g.Length;
                long t = i % g.Length;
                float* incoming = g.DResidualSum.IsPresent ? g.DResidualSum.At(b, t) : null;
                BackwardRow(g.ResidualSum.At(b, t), g.Weight, g.DY.At(b, t), g.Rstd[i], incoming, g.DX.At(b, t), sum, channels);
            }
        });
        if (g.DWeight != null) PartialSums<TOps, TVec>.Write(partial, blocks.Items, channels, g.DWeight, g.AccumulateWeight);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float AddAndSquare(float* x, float* residual, float* sum, int channels)
    {
        TVec squares = TOps.Broadcast(0f);
        TVec other = squares;
        int d = 0;
        for (; d <= channels - (2 * TOps.Width); d += 2 * TOps.Width)
        {
            TVec v = TOps.Load(x + d);
            TVec w = TOps.Load(x + d + TOps.Width);
            if (residual != null)
            {
                v = TOps.Add(v, TOps.Load(residual + d));
                w = TOps.Add(w, TOps.Load(residual + d + TOps.Width));
            }

            TOps.Store(sum + d, v);
            TOps.Store(sum + d + TOps.Width, w);
            squares = TOps.Fma(v, v, squares);
            other = TOps.Fma(w, w, other);
        }

        for (; d < channels; d += TOps.Width)
        {
            int lanes = Math.Min(TOps.Width, channels - d);
            TVec v = Lanes<TOps, TVec>.Load(x + d, lanes);
            if (residual != null) v = TOps.Add(v, Lanes<TOps, TVec>.Load(residual + d, lanes));
            Lanes<TOps, TVec>.Store(sum + d, v, lanes);
            squares = TOps.Fma(v, v, squares);
        }

        return TOps.Sum(TOps.Add(squares, other));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Normalise(float* row, float* weight, float rstd, float* y, int channels)
    {
        TVec scale = TOps.Broadcast(rstd);
        for (int d = 0; d < channels; d += TOps.Width)
        {
            int lanes = Math.Min(TOps.Width, channels - d);
            TVec w = TOps.Mul(scale, Lanes<TOps, TVec>.Load(weight + d, lanes));
            Lanes<TOps, TVec>.Store(y + d, TOps.Mul(w, Lanes<TOps, TVec>.Load(row + d, lanes)), lanes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void BackwardRow(
        float* r, float* weight, float* dy, float rstd, float* incoming, float* dx, float* dWeight, int channels)
    {
        TVec dot = TOps.Broadcast(0f);
        TVec scale = TOps.Broadcast(rstd);
        for (int d = 0; d < channels; d += TOps.Width)
        {
            int lanes = Math.Min(TOps.Width, channels - d);
            TVec product = TOps.Mul(Lanes<TOps, TVec>.Load(dy + d, lanes), Lanes<TOps, TVec>.Load(r + d, lanes));
            dot = TOps.Fma(product, Lanes<TOps, TVec>.Load(weight + d, lanes), dot);
            if (dWeight == null) continue;
            TVec sum = TOps.Fma(product, scale, Lanes<TOps, TVec>.Load(dWeight + d, lanes));
            Lanes<TOps, TVec>.Store(dWeight + d, sum, lanes);
        }

        TVec pull = TOps.Broadcast(TOps.Sum(dot) * rstd * rstd * rstd / channels);
        for (int d = 0; d < channels; d += TOps.Width)
        {
            int lanes = Math.Min(TOps.Width, channels - d);
            TVec value = TOps.Mul(TOps.Mul(scale, Lanes<TOps, TVec>.Load(dy + d, lanes)), Lanes<TOps, TVec>.Load(weight + d, lanes));
            value = TOps.Fnma(Lanes<TOps, TVec>.Load(r + d, lanes), pull, value);
            if (incoming != null) value = TOps.Add(value, Lanes<TOps, TVec>.Load(incoming + d, lanes));
            Lanes<TOps, TVec>.Store(dx + d, value, lanes);
        }
    }
}
