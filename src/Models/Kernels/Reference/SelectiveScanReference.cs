using System.Numerics;

namespace GenoSeq.Models.Kernels.Reference;

/// <summary>The selective scan as plain loops, one (batch, channel) after the other; the definition the fast paths are held to.</summary>
internal static unsafe class SelectiveScanReference
{
    public static void Forward<T>(in SelectiveScanInputs<T> x, in SelectiveScanOutputs<T> o)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var h = new T[x.States];
        for (int b = 0; b < x.Batch; b++)
        {
            for (int d = 0; d < x.Channels; d++)
            {
                long row = ((long)b * x.Channels) + d;
                for (int n = 0; n < x.States; n++) h[n] = x.InitialState == null ? T.Zero : x.InitialState[(row * x.States) + n];
                for (int step = 0; step < x.Length; step++)
                {
                    if (step % SelectiveScan.ChunkLength == 0 && o.Checkpoints != null) Save(x, o.Checkpoints, h, b, d, step);
                    if (x.ResetsAt(b, step)) Array.Clear(h);
                    int t = x.Time(step);
                    T y = Step(x, h, b, d, t);
                    if (!o.Out.IsPresent) continue;
                    T value = x.Z.IsPresent ? y * ReferenceMath<T>.Silu(x.Z.At(b, t)[d]) : y;
                    T* target = o.Out.At(b, t) + d;
                    *target = o.Accumulate ? *target + value : value;
                }

                if (o.FinalState == null) continue;
                for (int n = 0; n < x.States; n++) o.FinalState[(row * x.States) + n] = h[n];
            }
        }
    }

    public static void Backward<T>(in SelectiveScanInputs<T> x, in SelectiveScanGradients<T> g)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Clear(x, g);
        var h = new T[(x.Length + 1) * x.States];
        var y = new T[x.Length];
        var current = new T[x.States];
        for (int b = 0; b < x.Batch; b++)
        {
            for (int d = 0; d < x.Channels; d++)
            {
                long row = ((long)b * x.Channels) + d;
                for (int n = 0; n < x.States; n++)
                    h[n] = current[n] = x.InitialState == null ? T.Zero : x.InitialState[(row * x.States) + n];
                for (int step = 0; step < x.Length; step++)
                {
                    if (x.ResetsAt(b, step)) Array.Clear(current);
                    y[step] = Step(x, current, b, d, x.Time(step));
                    current.CopyTo(h, (step + 1) * x.States);
                }

                BackwardChannel(x, g, h, y, b, d);
            }
        }
    }

    private static T Step<T>(in SelectiveScanInputs<T> x, T[] h, int b, int d, int t)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T delta = StepSize(x, b, d, t, out _);
        T u = x.U.At(b, t)[d];
        T y = x.D == null ? T.Zero : x.D[d] * u;
        for (int n = 0; n < x.States; n++)
        {
            h[n] = (T.Exp(delta * x.A[(d * x.States) + n]) * h[n]) + (delta * x.B.At(b, t)[n] * u);
            y += x.C.At(b, t)[n] * h[n];
        }

        return y;
    }

    private static T StepSize<T>(in SelectiveScanInputs<T> x, int b, int d, int t, out T slope)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        T raw = x.Delta.At(b, t)[d] + (x.DeltaBias == null ? T.Zero : x.DeltaBias[d]);
        slope = x.DeltaSoftplus ? ReferenceMath<T>.SoftplusSlope(raw) : T.One;
        return x.DeltaSoftplus ? ReferenceMath<T>.Softplus(raw) : raw;
    }

    // lambda = dL/dh_t; carry = a_{t+1} lambda_{t+1}, which ends as the initial state's gradient.
    private static void BackwardChannel<T>(in SelectiveScanInputs<T> x, in SelectiveScanGradients<T> g, T[] h, T[] y, int b, int d)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int states = x.States;
        long row = ((long)b * x.Channels) + d;
        var carry = new T[states];
        if (g.DFinalState != null) new ReadOnlySpan<T>(g.DFinalState + (row * states), states).CopyTo(carry);
        for (int step = x.Length - 1; step >= 0; step--)
        {
            int t = x.Time(step);
            bool reset = x.ResetsAt(b, step);
            T delta = StepSize(x, b, d, t, out T slope);
            T u = x.U.At(b, t)[d];
            T dout = g.DOut.At(b, t)[d];
            T dy = x.Z.IsPresent ? dout * ReferenceMath<T>.Silu(x.Z.At(b, t)[d]) : dout;
            T viaB = T.Zero;
            T viaA = T.Zero;
            for (int n = 0; n < states; n++)
            {
                T a = reset ? T.Zero : T.Exp(delta * x.A[(d * states) + n]);
                T decayed = reset ? T.Zero : a * h[(step * states) + n];
                T lambda = (x.C.At(b, t)[n] * dy) + carry[n];
                viaB += lambda * x.B.At(b, t)[n];
                viaA += lambda * x.A[(d * states) + n] * decayed;
                if (g.DA != null) g.DA[(d * states) + n] += lambda * delta * decayed;
                if (g.DB.IsPresent) g.DB.At(b, t)[n] += lambda * delta * u;
                if (g.DC.IsPresent) g.DC.At(b, t)[n] += dy * h[((step + 1) * states) + n];
                carry[n] = a * lambda;
            }

            T ddelta = ((u * viaB) + viaA) * slope;
            if (g.DU.IsPresent) g.DU.At(b, t)[d] += (delta * viaB) + (x.D == null ? T.Zero : x.D[d] * dy);
            if (g.DDelta.IsPresent) g.DDelta.At(b, t)[d] += ddelta;
            if (g.DZ.IsPresent) g.DZ.At(b, t)[d] += dout * y[step] * ReferenceMath<T>.SiluSlope(x.Z.At(b, t)[d]);
            if (g.DD != null) g.DD[d] += dy * u;
            if (g.DDeltaBias != null) g.DDeltaBias[d] += ddelta;
        }

        if (g.DInitialState != null) carry.CopyTo(new Span<T>(g.DInitialState + (row * states), states));
    }

    // Every target is added into above, so those to be overwritten start from zero.
    private static void Clear<T>(in SelectiveScanInputs<T> x, in SelectiveScanGradients<T> g)
        where T : unmanaged
    {
        ClearRows(x, g.DU, x.Channels, g.Adds(ScanAccumulate.U));
        ClearRows(x, g.DDelta, x.Channels, g.Adds(ScanAccumulate.Delta));
        ClearRows(x, g.DZ, x.Channels, g.Adds(ScanAccumulate.Z));
        ClearRows(x, g.DB, x.States, g.Adds(ScanAccumulate.B));
        ClearRows(x, g.DC, x.States, g.Adds(ScanAccumulate.C));
        if (g.Adds(ScanAccumulate.Parameters)) return;
        if (g.DA != null) new Span<T>(g.DA, x.Channels * x.States).Clear();
        if (g.DD != null) new Span<T>(g.DD, x.Channels).Clear();
        if (g.DDeltaBias != null) new Span<T>(g.DDeltaBias, x.Channels).Clear();
    }

    private static void ClearRows<T>(in SelectiveScanInputs<T> x, Rows<T> rows, int width, bool keep)
        where T : unmanaged
    {
        if (keep || !rows.IsPresent) return;
        for (int b = 0; b < x.Batch; b++)
        {
            for (int t = 0; t < x.Length; t++) new Span<T>(rows.At(b, t), width).Clear();
        }
    }

    private static void Save<T>(in SelectiveScanInputs<T> x, T* checkpoints, T[] h, int b, int d, int step)
        where T : unmanaged
    {
        long chunk = ((long)b * SelectiveScan.ChunkCount(x.Length)) + (step / SelectiveScan.ChunkLength);
        for (int n = 0; n < x.States; n++) checkpoints[(((chunk * x.States) + n) * x.Channels) + d] = h[n];
    }
}
