using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>
/// Forward selective scan: lanes are channels, time runs in chunks that stay in the first-level cache, and the states go through
/// a chunk four at a time so that they live in registers.
/// </summary>
internal sealed unsafe class ScanForward<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    private const int Chunk = ScanTile.Chunk;
    private const int MaxGroupChannels = 256;

    private readonly SelectiveScanInputs<float> _x;
    private readonly SelectiveScanOutputs<float> _o;
    private readonly ScanPartition _part;

    private ScanForward(in SelectiveScanInputs<float> x, in SelectiveScanOutputs<float> o)
    {
        _x = x;
        _o = o;
        _part = new ScanPartition(x.Batch, x.Channels, x.States, TOps.Width, MaxGroupChannels);
    }

    public static void Run(in SelectiveScanInputs<float> x, in SelectiveScanOutputs<float> o)
    {
        var scan = new ScanForward<TOps, TVec>(x, o);
        KernelThreads.For(scan._part.Items, scan.Item);
    }

    private void Item(int item)
    {
        int width = TOps.Width;
        int states = _part.PaddedStates;
        int batch = item / _part.Groups;
        int first = item % _part.Groups * _part.GroupChannels;
        int tiles = Math.Min(_part.GroupTiles, (_x.Channels - first + width - 1) / width);

        float* b = KernelScratch.ForItem((2L * Chunk * states) + (2L * tiles * states * width) + (3L * Chunk * width) + (Chunk / 4));
        float* c = b + (Chunk * states);
        float* h = c + (Chunk * states);
        float* a = h + (tiles * states * width);
        float* delta = a + (tiles * states * width);
        float* du = delta + (Chunk * width);
        float* y = du + (Chunk * width);
        byte* resets = (byte*)(y + (Chunk * width));

        for (int tile = 0; tile < tiles; tile++)
        {
            int channel = first + (tile * width);
            int lanes = Math.Min(width, _x.Channels - channel);
            float* initial = _x.InitialState == null ? null : _x.InitialState + StateOffset(batch, channel);
            ScanTile.TransposeIn(initial, _x.States, lanes, states, width, 1f, h + (tile * states * width));
            ScanTile.TransposeIn(
                _x.A + ((long)channel * _x.States), _x.States, lanes, states, width, ScanTile.Log2E, a + (tile * states * width));
        }

        for (int start = 0; start < _x.Length; start += Chunk)
        {
            int steps = Math.Min(Chunk, _x.Length - start);
            int time = _x.Time(start);
            long sign = _x.Reverse ? -1 : 1;
            ScanTile.PackRows(_x.B.At(batch, time), sign * _x.B.RowStride, steps, _x.States, states, b);
            ScanTile.PackRows(_x.C.At(batch, time), sign * _x.C.RowStride, steps, _x.States, states, c);
            ScanTile.PackResets(_x, batch, start, steps, resets);
            for (int tile = 0; tile < tiles; tile++)
            {
                int channel = first + (tile * width);
                int lanes = Math.Min(width, _x.Channels - channel);
                float* tileState = h + (tile * states * width);
                if (_o.Checkpoints != null) SaveCheckpoint(batch, start / Chunk, channel, lanes, tileState);
                Prepare(batch, time, steps, channel, lanes, delta, du, y);
                for (int n = 0; n < states; n += 4)
                {
                    Ahead ahead = NextRows(n / 4, batch, start + Chunk, channel, delta);
                    FourStates(
                        steps, states, a + (((tile * states) + n) * width), tileState + (n * width), b + n, c + n, resets, delta, du, y, ahead);
                }

                if (_o.Out.IsPresent) Finish(batch, time, steps, channel, lanes, y);
            }
        }

        if (_o.FinalState == null) return;
        for (int tile = 0; tile < tiles; tile++)
        {
            int channel = first + (tile * width);
            int lanes = Math.Min(width, _x.Channels - channel);
            float* target = _o.FinalState + StateOffset(batch, channel);
            ScanTile.TransposeOut(h + (tile * states * width), _x.States, lanes, width, target);
        }
    }

    // What the tile reads and writes in its next chunk, one tensor per group of four states.
    private Ahead NextRows(int pass, int batch, int start, int channel, float* scratch)
    {
        if (start >= _x.Length) return Ahead.Nothing(scratch);
        Rows<float> rows = pass switch { 0 => _x.U, 1 => _x.Delta, 2 => _x.Z, 3 => _o.Out, _ => default };
        if (!rows.IsPresent) return Ahead.Nothing(scratch);
        return new Ahead(rows.At(batch, _x.Time(start)) + channel, _x.Reverse ? -rows.RowStride : rows.RowStride);
    }

    private long StateOffset(int batch, int channel) => (((long)batch * _x.Channels) + channel) * _x.States;

    private void SaveCheckpoint(int batch, int chunk, int channel, int lanes, float* h)
    {
        long row = (((long)batch * SelectiveScan.ChunkCount(_x.Length)) + chunk) * _x.States;
        for (int n = 0; n < _x.States; n++)
            Lanes<TOps, TVec>.Store(_o.Checkpoints + ((row + n) * _x.Channels) + channel, TOps.Load(h + (n * TOps.Width)), lanes);
    }

    // Step sizes, delta * u and the skip term of one tile and chunk.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Prepare(int batch, int time, int steps, int channel, int lanes, float* delta, float* du, float* y)
    {
        int width = TOps.Width;
        long sign = _x.Reverse ? -1 : 1;
        float* u = _x.U.At(batch, time) + channel;
        float* raw = _x.Delta.At(batch, time) + channel;
        long uStep = sign * _x.U.RowStride;
        long rawStep = sign * _x.Delta.RowStride;
        TVec bias = _x.DeltaBias == null ? TOps.Broadcast(0f) : Lanes<TOps, TVec>.Load(_x.DeltaBias + channel, lanes);
        TVec skip = _x.D == null ? TOps.Broadcast(0f) : Lanes<TOps, TVec>.Load(_x.D + channel, lanes);
        bool softplus = _x.DeltaSoftplus;
        for (int i = 0; i < steps; i++)
        {
            TVec v = TOps.Add(Lanes<TOps, TVec>.Load(raw, lanes), bias);
            if (softplus) v = VectorMath<TOps, TVec>.Softplus(v);
            TVec input = Lanes<TOps, TVec>.Load(u, lanes);
            TOps.Store(delta, v);
            TOps.Store(du, TOps.Mul(v, input));
            TOps.Store(y, TOps.Mul(skip, input));
            raw += rawStep;
            u += uStep;
            delta += width;
            du += width;
            y += width;
        }
    }

    // The recurrence of four states over one chunk; states and their A stay in registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void FourStates(
        int steps, int stride, float* a, float* h, float* b, float* c, byte* resets, float* delta, float* du, float* y, Ahead ahead)
    {
        int width = TOps.Width;
        TVec a0 = TOps.Load(a);
        TVec a1 = TOps.Load(a + width);
        TVec a2 = TOps.Load(a + (2 * width));
        TVec a3 = TOps.Load(a + (3 * width));
        TVec h0 = TOps.Load(h);
        TVec h1 = TOps.Load(h + width);
        TVec h2 = TOps.Load(h + (2 * width));
        TVec h3 = TOps.Load(h + (3 * width));
        for (int i = 0; i < steps; i++)
        {
            ahead = ahead.Fetch();
            TVec step = TOps.Load(delta);
            TVec e0 = VectorMath<TOps, TVec>.Exp2(TOps.Mul(step, a0));
            TVec e1 = VectorMath<TOps, TVec>.Exp2(TOps.Mul(step, a1));
            TVec e2 = VectorMath<TOps, TVec>.Exp2(TOps.Mul(step, a2));
            TVec e3 = VectorMath<TOps, TVec>.Exp2(TOps.Mul(step, a3));
            if (resets[i] != 0) h0 = h1 = h2 = h3 = TOps.Broadcast(0f);
            TVec input = TOps.Load(du);
            h0 = TOps.Fma(e0, h0, TOps.Mul(input, TOps.Broadcast(b[0])));
            h1 = TOps.Fma(e1, h1, TOps.Mul(input, TOps.Broadcast(b[1])));
            h2 = TOps.Fma(e2, h2, TOps.Mul(input, TOps.Broadcast(b[2])));
            h3 = TOps.Fma(e3, h3, TOps.Mul(input, TOps.Broadcast(b[3])));
            TVec low = TOps.Fma(h0, TOps.Broadcast(c[0]), TOps.Load(y));
            TVec high = TOps.Mul(h1, TOps.Broadcast(c[1]));
            low = TOps.Fma(h2, TOps.Broadcast(c[2]), low);
            high = TOps.Fma(h3, TOps.Broadcast(c[3]), high);
            TOps.Store(y, TOps.Add(low, high));
            delta += width;
            du += width;
            y += width;
            b += stride;
            c += stride;
        }

        TOps.Store(h, h0);
        TOps.Store(h + width, h1);
        TOps.Store(h + (2 * width), h2);
        TOps.Store(h + (3 * width), h3);
    }

    // The gate and the write to the caller's rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Finish(int batch, int time, int steps, int channel, int lanes, float* y)
    {
        long sign = _x.Reverse ? -1 : 1;
        bool gated = _x.Z.IsPresent;
        bool accumulate = _o.Accumulate;
        float* z = gated ? _x.Z.At(batch, time) + channel : null;
        long zStep = sign * _x.Z.RowStride;
        float* target = _o.Out.At(batch, time) + channel;
        long outStep = sign * _o.Out.RowStride;
        for (int i = 0; i < steps; i++)
        {
            TVec value = TOps.Load(y);
            if (gated)
            {
                TVec gate = Lanes<TOps, TVec>.Load(z, lanes);
                value = TOps.Mul(value, TOps.Mul(gate, VectorMath<TOps, TVec>.Sigmoid(gate)));
                z += zStep;
            }

            if (accumulate) value = TOps.Add(value, Lanes<TOps, TVec>.Load(target, lanes));
            Lanes<TOps, TVec>.Store(target, value, lanes);
            target += outStep;
            y += TOps.Width;
        }
    }
}
