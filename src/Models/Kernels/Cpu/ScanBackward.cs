using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>
/// Backward selective scan. Chunks run from last to first; within a chunk the states are recomputed from the chunk's saved start
/// state, four at a time, and the adjoint recurrence follows at once while they are in cache. Sums over channels (dB, dC) are
/// kept per channel group and added in group order, sums over time and batch (dA, dD, bias) per tile and added in batch order,
/// so that no result depends on the threads.
/// </summary>
internal sealed unsafe class ScanBackward<TOps, TVec>
    where TOps : ISimd<TVec>
    where TVec : unmanaged
{
    private const int Chunk = ScanTile.Chunk;
    private const int MaxGroupChannels = 256;

    // Bounds the memory of the per-group dB and dC, whatever the length.
    private const int SegmentChunks = 32;

    private readonly SelectiveScanInputs<float> _x;
    private readonly SelectiveScanGradients<float> _g;
    private readonly ScanPartition _part;
    private readonly float* _checkpoints;
    private readonly float* _tiles;
    private readonly float* _dB;
    private readonly float* _dC;
    private readonly int _tilesPerBatch;
    private readonly int _tileFloats;
    private readonly int _segmentSteps;
    private int _segmentStart;

    private ScanBackward(
        in SelectiveScanInputs<float> x, in SelectiveScanGradients<float> g, ScanPartition part, float* checkpoints, float* workspace)
    {
        _x = x;
        _g = g;
        _part = part;
        _checkpoints = checkpoints;
        _tilesPerBatch = part.Groups * part.GroupTiles;
        _tileFloats = TileFloats(part);
        _segmentSteps = SegmentSteps(x.Length);
        _tiles = workspace;
        _dB = _tiles + ((long)x.Batch * _tilesPerBatch * _tileFloats);
        _dC = _dB + ((long)part.Items * _segmentSteps * part.PaddedStates);
    }

    public static void Run(in SelectiveScanInputs<float> x, in SelectiveScanGradients<float> g)
    {
        if (x.Batch == 0 && g.Adds(ScanAccumulate.Parameters)) return;
        var part = new ScanPartition(x.Batch, x.Channels, x.States, TOps.Width, MaxGroupChannels);
        long tiles = (long)part.Items * part.GroupTiles * TileFloats(part);
        long sums = 2L * part.Items * SegmentSteps(x.Length) * part.PaddedStates;
        long saved = g.Checkpoints == null
            ? SelectiveScan.CheckpointSize(x.Batch, x.Length, x.Channels, x.States) : 0;
        using KernelScratch.Lease lease = KernelScratch.ForCall(tiles + sums + saved);
        float* checkpoints = g.Checkpoints;
        if (checkpoints == null)
        {
            checkpoints = lease.Data + tiles + sums;
            ScanForward<TOps, TVec>.Run(x, new SelectiveScanOutputs<float> { Checkpoints = checkpoints });
        }

        new ScanBackward<TOps, TVec>(x, g, part, checkpoints, lease.Data).Run();
    }

    private static int TileFloats(ScanPartition part) => ((2 * part.PaddedStates) + 2) * part.Width;

    private static int SegmentSteps(int length) =>
        Math.Min(SegmentChunks, SelectiveScan.ChunkCount(length)) * Chunk;

    private void Run()
    {
        KernelThreads.For(_part.Items, StartItem);
        int segments = _segmentSteps == 0 ? 0 : (_x.Length + _segmentSteps - 1) / _segmentSteps;
        int blocks = _segmentSteps / Chunk;
        for (int segment = segments - 1; segment >= 0; segment--)
        {
            _segmentStart = segment * _segmentSteps;
            KernelThreads.For(_part.Items, SegmentItem);
            if (_g.DB.IsPresent || _g.DC.IsPresent) KernelThreads.For(_x.Batch * blocks, SumItem);
        }

        if (_g.DInitialState != null) KernelThreads.For(_part.Items, InitialStateItem);
        KernelThreads.For(_tilesPerBatch, ParameterItem);
    }

    private float* Tile(int batch, int tile) => _tiles + ((((long)batch * _tilesPerBatch) + tile) * _tileFloats);

    private (int Batch, int Group, int FirstTile, int Tiles) Locate(int item)
    {
        int group = item % _part.Groups;
        int first = group * _part.GroupTiles;
        int all = (_x.Channels + _part.Width - 1) / _part.Width;
        return (item / _part.Groups, group, first, Math.Min(_part.GroupTiles, all - first));
    }

    // Clears the sums of the item's tiles and loads the gradient of the final state as the first carry.
    private void StartItem(int item)
    {
        (int batch, _, int firstTile, int tiles) = Locate(item);
        int width = TOps.Width;
        for (int tile = firstTile; tile < firstTile + tiles; tile++)
        {
            int channel = tile * width;
            int lanes = Math.Min(width, _x.Channels - channel);
            float* sums = Tile(batch, tile);
            new Span<float>(sums, _tileFloats).Clear();
            float* final = _g.DFinalState == null ? null : _g.DFinalState + StateOffset(batch, channel);
            ScanTile.TransposeIn(final, _x.States, lanes, _part.PaddedStates, width, 1f, sums);
        }
    }

    private void InitialStateItem(int item)
    {
        (int batch, _, int firstTile, int tiles) = Locate(item);
        int width = TOps.Width;
        for (int tile = firstTile; tile < firstTile + tiles; tile++)
        {
            int channel = tile * width;
            int lanes = Math.Min(width, _x.Channels - channel);
            ScanTile.TransposeOut(Tile(batch, tile), _x.States, lanes, width, _g.DInitialState + StateOffset(batch, channel));
        }
    }

    private long StateOffset(int batch, int channel) => (((long)batch * _x.Channels) + channel) * _x.States;

    private void SegmentItem(int item)
    {
        (int batch, int group, int firstTile, int tiles) = Locate(item);
        var scratch = new Buffers(_part, tiles);
        int width = TOps.Width;
        int states = _part.PaddedStates;
        int end = Math.Min(_segmentStart + _segmentSteps, _x.Length);
        for (int tile = 0; tile < tiles; tile++)
        {
            int channel = (firstTile + tile) * width;
            int lanes = Math.Min(width, _x.Channels - channel);
            ScanTile.TransposeIn(
                _x.A + ((long)channel * _x.States), _x.States, lanes, states, width, ScanTile.Log2E, scratch.A + (tile * states * width));
        }

        for (int start = _segmentStart + ((end - _segmentStart - 1) / Chunk * Chunk); start >= _segmentStart; start -= Chunk)
        {
            int steps = Math.Min(Chunk, end - start);
            int time = _x.Time(start);
            long sign = _x.Reverse ? -1 : 1;
            ScanTile.PackRows(_x.B.At(batch, time), sign * _x.B.RowStride, steps, _x.States, states, scratch.B);
            ScanTile.PackRows(_x.C.At(batch, time), sign * _x.C.RowStride, steps, _x.States, states, scratch.C);
            ScanTile.PackResets(_x, batch, start, steps, scratch.Resets);
            new Span<float>(scratch.SumB, 2 * scratch.SumFloats).Clear();
            for (int tile = 0; tile < tiles; tile++)
            {
                int channel = (firstTile + tile) * width;
                int lanes = Math.Min(width, _x.Channels - channel);
                float* sums = Tile(batch, firstTile + tile);
                Prepare(scratch, batch, time, steps, channel, lanes);
                for (int n = 0; n < states; n += 4)
                {
                    float* a = scratch.A + (((tile * states) + n) * width);
                    LoadCheckpoint(scratch.H, batch, start / Chunk, channel, lanes, n);
                    Recompute(scratch, steps, states, a, n, NextInputs(n / 4, batch, start - Chunk, channel, scratch.Delta));
                    Ahead next = NextOutputs(n / 4, batch, start - Chunk, channel, scratch.Delta);
                    Adjoint(scratch, steps, states, a, sums + (n * width), sums + ((states + n) * width), n, next);
                }

                Finish(scratch, batch, time, steps, channel, lanes, sums + (2 * states * width));
            }

            long row = (((long)item * _segmentSteps) + (start - _segmentStart)) * states;
            Fold(scratch.SumB, steps * states / 4, _dB + row);
            Fold(scratch.SumC, steps * states / 4, _dC + row);
        }
    }

    // What the tile reads in the chunk that comes next (the earlier one), one tensor per group of four states.
    private Ahead NextInputs(int pass, int batch, int start, int channel, float* scratch) => Next(
        pass switch { 0 => _x.U, 1 => _x.Delta, 2 => _g.DOut, 3 => _x.Z, _ => default }, batch, start, channel, scratch);

    // What it writes there, and its saved states.
    private Ahead NextOutputs(int pass, int batch, int start, int channel, float* scratch)
    {
        if (pass == 3 && start >= 0)
        {
            long row = (((long)batch * SelectiveScan.ChunkCount(_x.Length)) + (start / Chunk)) * _x.States;
            return new Ahead(_checkpoints + (row * _x.Channels) + channel, _x.Channels);
        }

        return Next(pass switch { 0 => _g.DU, 1 => _g.DDelta, 2 => _g.DZ, _ => default }, batch, start, channel, scratch);
    }

    private Ahead Next(Rows<float> rows, int batch, int start, int channel, float* scratch)
    {
        if (start < 0 || !rows.IsPresent) return Ahead.Nothing(scratch);
        return new Ahead(rows.At(batch, _x.Time(start)) + channel, _x.Reverse ? -rows.RowStride : rows.RowStride);
    }

    private static void Fold(float* sums, int quads, float* target)
    {
        int stride = Math.Max(4, TOps.Width);
        for (int i = 0; i < quads; i++) TOps.FoldFour(sums + (i * stride), target + (i * 4));
    }

    private void LoadCheckpoint(float* h, int batch, int chunk, int channel, int lanes, int n)
    {
        long row = (((long)batch * SelectiveScan.ChunkCount(_x.Length)) + chunk) * _x.States;
        for (int k = 0; k < 4; k++)
        {
            TVec value = n + k < _x.States
                ? Lanes<TOps, TVec>.Load(_checkpoints + ((row + n + k) * _x.Channels) + channel, lanes)
                : TOps.Broadcast(0f);
            TOps.Store(h + (k * TOps.Width), value);
        }
    }

    // Everything of a chunk that does not involve the states: step sizes and slopes, gate, gradient of y.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Prepare(in Buffers s, int batch, int time, int steps, int channel, int lanes)
    {
        int width = TOps.Width;
        long sign = _x.Reverse ? -1 : 1;
        float* u = _x.U.At(batch, time) + channel;
        float* raw = _x.Delta.At(batch, time) + channel;
        float* dout = _g.DOut.At(batch, time) + channel;
        bool gated = _x.Z.IsPresent;
        float* z = gated ? _x.Z.At(batch, time) + channel : null;
        long uStep = sign * _x.U.RowStride;
        long rawStep = sign * _x.Delta.RowStride;
        long doutStep = sign * _g.DOut.RowStride;
        long zStep = sign * _x.Z.RowStride;
        TVec zero = TOps.Broadcast(0f);
        TVec one = TOps.Broadcast(1f);
        TVec bias = _x.DeltaBias == null ? zero : Lanes<TOps, TVec>.Load(_x.DeltaBias + channel, lanes);
        TVec skip = _x.D == null ? zero : Lanes<TOps, TVec>.Load(_x.D + channel, lanes);
        bool softplus = _x.DeltaSoftplus;
        for (int i = 0; i < steps; i++)
        {
            int at = i * width;
            TVec delta = TOps.Add(Lanes<TOps, TVec>.Load(raw, lanes), bias);
            TVec slope = one;
            if (softplus) delta = VectorMath<TOps, TVec>.SoftplusAndSigmoid(delta, out slope);
            TVec input = Lanes<TOps, TVec>.Load(u, lanes);
            TOps.Store(s.Delta + at, delta);
            TOps.Store(s.Slope + at, slope);
            TOps.Store(s.Input + at, TOps.Mul(delta, input));
            TOps.Store(s.Y + at, TOps.Mul(skip, input));
            TVec grad = Lanes<TOps, TVec>.Load(dout, lanes);
            if (gated)
            {
                TVec gate = Lanes<TOps, TVec>.Load(z, lanes);
                TVec sigmoid = VectorMath<TOps, TVec>.Sigmoid(gate);
                TVec silu = TOps.Mul(gate, sigmoid);
                TOps.Store(s.GateGrad + at, TOps.Mul(grad, TOps.Fma(silu, TOps.Sub(one, sigmoid), sigmoid)));
                grad = TOps.Mul(grad, silu);
                z += zStep;
            }

            TOps.Store(s.DY + at, grad);
            TOps.Store(s.ViaB + at, zero);
            TOps.Store(s.ViaA + at, zero);
            u += uStep;
            raw += rawStep;
            dout += doutStep;
        }
    }

    // The forward recurrence of four states over the chunk, keeping decays and states.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Recompute(in Buffers s, int steps, int stride, float* a, int n, Ahead ahead)
    {
        int width = TOps.Width;
        float* delta = s.Delta;
        float* input = s.Input;
        float* y = s.Y;
        float* h = s.H;
        float* decay = s.Decay;
        float* b = s.B + n;
        float* c = s.C + n;
        byte* resets = s.Resets;
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
            if (resets[i] != 0) e0 = e1 = e2 = e3 = h0 = h1 = h2 = h3 = TOps.Broadcast(0f);
            TOps.Store(decay, e0);
            TOps.Store(decay + width, e1);
            TOps.Store(decay + (2 * width), e2);
            TOps.Store(decay + (3 * width), e3);
            TVec du = TOps.Load(input);
            h0 = TOps.Fma(e0, h0, TOps.Mul(du, TOps.Broadcast(b[0])));
            h1 = TOps.Fma(e1, h1, TOps.Mul(du, TOps.Broadcast(b[1])));
            h2 = TOps.Fma(e2, h2, TOps.Mul(du, TOps.Broadcast(b[2])));
            h3 = TOps.Fma(e3, h3, TOps.Mul(du, TOps.Broadcast(b[3])));
            h += 4 * width;
            TOps.Store(h, h0);
            TOps.Store(h + width, h1);
            TOps.Store(h + (2 * width), h2);
            TOps.Store(h + (3 * width), h3);
            TVec low = TOps.Fma(h0, TOps.Broadcast(c[0]), TOps.Load(y));
            TVec high = TOps.Mul(h1, TOps.Broadcast(c[1]));
            low = TOps.Fma(h2, TOps.Broadcast(c[2]), low);
            high = TOps.Fma(h3, TOps.Broadcast(c[3]), high);
            TOps.Store(y, TOps.Add(low, high));
            decay += 4 * width;
            delta += width;
            input += width;
            y += width;
            b += stride;
            c += stride;
        }
    }

    // lambda_t = C_t dy_t + a_{t+1} lambda_{t+1}, from the chunk's last step to its first.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Adjoint(in Buffers s, int steps, int stride, float* a, float* carry, float* dA, int n, Ahead ahead)
    {
        int width = TOps.Width;
        int four = 4 * width;
        int sumStride = Math.Max(4, width) * (stride / 4);
        int last = steps - 1;
        float* delta = s.Delta + (last * width);
        float* input = s.Input + (last * width);
        float* dy = s.DY + (last * width);
        float* viaB = s.ViaB + (last * width);
        float* viaA = s.ViaA + (last * width);
        float* h = s.H + (last * four);
        float* decay = s.Decay + (last * four);
        float* b = s.B + (last * stride) + n;
        float* c = s.C + (last * stride) + n;
        float* sumB = s.SumB + (last * sumStride) + (n / 4 * Math.Max(4, width));
        float* sumC = s.SumC + (last * sumStride) + (n / 4 * Math.Max(4, width));
        TVec h0 = TOps.Load(h + four);
        TVec h1 = TOps.Load(h + four + width);
        TVec h2 = TOps.Load(h + four + (2 * width));
        TVec h3 = TOps.Load(h + four + (3 * width));
        TVec c0 = TOps.Load(carry);
        TVec c1 = TOps.Load(carry + width);
        TVec c2 = TOps.Load(carry + (2 * width));
        TVec c3 = TOps.Load(carry + (3 * width));
        TVec d0 = TOps.Broadcast(0f);
        TVec d1 = d0;
        TVec d2 = d0;
        TVec d3 = d0;
        for (int i = 0; i < steps; i++)
        {
            ahead = ahead.Fetch();
            TVec grad = TOps.Load(dy);
            TOps.AddFour(sumC, TOps.Mul(grad, h0), TOps.Mul(grad, h1), TOps.Mul(grad, h2), TOps.Mul(grad, h3));
            TVec l0 = TOps.Fma(grad, TOps.Broadcast(c[0]), c0);
            TVec l1 = TOps.Fma(grad, TOps.Broadcast(c[1]), c1);
            TVec l2 = TOps.Fma(grad, TOps.Broadcast(c[2]), c2);
            TVec l3 = TOps.Fma(grad, TOps.Broadcast(c[3]), c3);
            TVec du = TOps.Load(input);
            TOps.AddFour(sumB, TOps.Mul(du, l0), TOps.Mul(du, l1), TOps.Mul(du, l2), TOps.Mul(du, l3));
            TVec low = TOps.Fma(l0, TOps.Broadcast(b[0]), TOps.Load(viaB));
            TVec high = TOps.Mul(l1, TOps.Broadcast(b[1]));
            low = TOps.Fma(l2, TOps.Broadcast(b[2]), low);
            high = TOps.Fma(l3, TOps.Broadcast(b[3]), high);
            TOps.Store(viaB, TOps.Add(low, high));
            c0 = TOps.Mul(l0, TOps.Load(decay));
            c1 = TOps.Mul(l1, TOps.Load(decay + width));
            c2 = TOps.Mul(l2, TOps.Load(decay + (2 * width)));
            c3 = TOps.Mul(l3, TOps.Load(decay + (3 * width)));
            h0 = TOps.Load(h);
            h1 = TOps.Load(h + width);
            h2 = TOps.Load(h + (2 * width));
            h3 = TOps.Load(h + (3 * width));
            TVec t0 = TOps.Mul(c0, h0);
            TVec t1 = TOps.Mul(c1, h1);
            TVec t2 = TOps.Mul(c2, h2);
            TVec t3 = TOps.Mul(c3, h3);
            low = TOps.Fma(t0, TOps.Load(a), TOps.Load(viaA));
            high = TOps.Mul(t1, TOps.Load(a + width));
            low = TOps.Fma(t2, TOps.Load(a + (2 * width)), low);
            high = TOps.Fma(t3, TOps.Load(a + (3 * width)), high);
            TOps.Store(viaA, TOps.Add(low, high));
            TVec step = TOps.Load(delta);
            d0 = TOps.Fma(t0, step, d0);
            d1 = TOps.Fma(t1, step, d1);
            d2 = TOps.Fma(t2, step, d2);
            d3 = TOps.Fma(t3, step, d3);
            delta -= width;
            input -= width;
            dy -= width;
            viaB -= width;
            viaA -= width;
            h -= four;
            decay -= four;
            b -= stride;
            c -= stride;
            sumB -= sumStride;
            sumC -= sumStride;
        }

        TOps.Store(carry, c0);
        TOps.Store(carry + width, c1);
        TOps.Store(carry + (2 * width), c2);
        TOps.Store(carry + (3 * width), c3);
        TOps.Store(dA, TOps.Add(TOps.Load(dA), d0));
        TOps.Store(dA + width, TOps.Add(TOps.Load(dA + width), d1));
        TOps.Store(dA + (2 * width), TOps.Add(TOps.Load(dA + (2 * width)), d2));
        TOps.Store(dA + (3 * width), TOps.Add(TOps.Load(dA + (3 * width)), d3));
    }

    // du, d(raw delta), dz of one tile and chunk, and the chunk's share of dD and the bias gradient.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Finish(in Buffers s, int batch, int time, int steps, int channel, int lanes, float* sums)
    {
        int width = TOps.Width;
        long sign = _x.Reverse ? -1 : 1;
        TVec zero = TOps.Broadcast(0f);
        TVec skip = _x.D == null ? zero : Lanes<TOps, TVec>.Load(_x.D + channel, lanes);
        TVec ln2 = TOps.Broadcast(1f / ScanTile.Log2E);
        TVec sumD = zero;
        TVec sumBias = zero;
        float* u = _x.U.At(batch, time) + channel;
        float* dU = _g.DU.IsPresent ? _g.DU.At(batch, time) + channel : null;
        float* dDelta = _g.DDelta.IsPresent ? _g.DDelta.At(batch, time) + channel : null;
        float* dZ = _g.DZ.IsPresent ? _g.DZ.At(batch, time) + channel : null;
        long uStep = sign * _x.U.RowStride;
        long dUStep = sign * _g.DU.RowStride;
        long dDeltaStep = sign * _g.DDelta.RowStride;
        long dZStep = sign * _g.DZ.RowStride;
        bool addU = _g.Adds(ScanAccumulate.U);
        bool addDelta = _g.Adds(ScanAccumulate.Delta);
        bool addZ = _g.Adds(ScanAccumulate.Z);
        for (int i = 0; i < steps; i++)
        {
            int at = i * width;
            TVec input = Lanes<TOps, TVec>.Load(u, lanes);
            TVec dy = TOps.Load(s.DY + at);
            TVec viaB = TOps.Load(s.ViaB + at);
            TVec ddelta = TOps.Fma(input, viaB, TOps.Mul(TOps.Load(s.ViaA + at), ln2));
            ddelta = TOps.Mul(ddelta, TOps.Load(s.Slope + at));
            sumD = TOps.Fma(dy, input, sumD);
            sumBias = TOps.Add(sumBias, ddelta);
            if (dU != null) dU = Put(dU, TOps.Fma(skip, dy, TOps.Mul(TOps.Load(s.Delta + at), viaB)), lanes, addU, dUStep);
            if (dDelta != null) dDelta = Put(dDelta, ddelta, lanes, addDelta, dDeltaStep);
            if (dZ != null) dZ = Put(dZ, TOps.Mul(TOps.Load(s.Y + at), TOps.Load(s.GateGrad + at)), lanes, addZ, dZStep);
            u += uStep;
        }

        TOps.Store(sums, TOps.Add(TOps.Load(sums), sumD));
        TOps.Store(sums + width, TOps.Add(TOps.Load(sums + width), sumBias));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Put(float* target, TVec value, int lanes, bool add, long step)
    {
        if (add) value = TOps.Add(value, Lanes<TOps, TVec>.Load(target, lanes));
        Lanes<TOps, TVec>.Store(target, value, lanes);
        return target + step;
    }

    // Adds the groups' dB and dC of one chunk in group order.
    private void SumItem(int item)
    {
        int blocks = _segmentSteps / Chunk;
        int batch = item / blocks;
        int start = _segmentStart + (item % blocks * Chunk);
        int steps = Math.Min(Chunk, _x.Length - start);
        if (steps <= 0) return;
        float* sum = KernelScratch.ForItem(Chunk * _part.PaddedStates);
        if (_g.DB.IsPresent) SumGroups(_dB, batch, start, steps, sum, _g.DB, _g.Adds(ScanAccumulate.B));
        if (_g.DC.IsPresent) SumGroups(_dC, batch, start, steps, sum, _g.DC, _g.Adds(ScanAccumulate.C));
    }

    private void SumGroups(float* partial, int batch, int start, int steps, float* sum, Rows<float> target, bool add)
    {
        int states = _part.PaddedStates;
        int count = steps * states;
        for (int group = 0; group < _part.Groups; group++)
        {
            long item = ((long)batch * _part.Groups) + group;
            float* source = partial + (((item * _segmentSteps) + (start - _segmentStart)) * states);
            if (group == 0) new Span<float>(source, count).CopyTo(new Span<float>(sum, count));
            else AddInto(sum, source, count);
        }

        for (int i = 0; i < steps; i++)
        {
            float* row = target.At(batch, _x.Time(start + i));
            float* source = sum + (i * states);
            for (int n = 0; n < _x.States; n++) row[n] = add ? row[n] + source[n] : source[n];
        }
    }

    private static void AddInto(float* sum, float* source, int count)
    {
        int i = 0;
        for (; i <= count - TOps.Width; i += TOps.Width) TOps.Store(sum + i, TOps.Add(TOps.Load(sum + i), TOps.Load(source + i)));
        for (; i < count; i++) sum[i] += source[i];
    }

    // dA, dD and the bias gradient of one tile, summed over the batch in order.
    private void ParameterItem(int tile)
    {
        int width = TOps.Width;
        int channel = tile * width;
        int lanes = Math.Min(width, _x.Channels - channel);
        bool add = _g.Adds(ScanAccumulate.Parameters);
        int states = _part.PaddedStates;
        for (int lane = 0; lane < lanes; lane++)
        {
            for (int row = 0; row < states + 2; row++)
            {
                float* target = row < states ? (_g.DA == null || row >= _x.States ? null : _g.DA + ((long)(channel + lane) * _x.States) + row)
                    : row == states ? (_g.DD == null ? null : _g.DD + channel + lane)
                    : _g.DDeltaBias == null ? null : _g.DDeltaBias + channel + lane;
                if (target == null) continue;
                float sum = 0f;
                for (int batch = 0; batch < _x.Batch; batch++) sum += Tile(batch, tile)[((states + row) * width) + lane];
                *target = add ? *target + sum : sum;
            }
        }
    }

    // Addresses of one item's scratch.
    private readonly struct Buffers
    {
        public readonly float* A;
        public readonly float* B;
        public readonly float* C;
        public readonly float* Delta;
        public readonly float* Input;
        public readonly float* DY;
        public readonly float* Y;
        public readonly float* ViaB;
        public readonly float* ViaA;
        public readonly float* Slope;
        public readonly float* GateGrad;
        public readonly float* H;
        public readonly float* Decay;
        public readonly float* SumB;
        public readonly float* SumC;
        public readonly byte* Resets;
        public readonly int SumFloats;

        public Buffers(ScanPartition part, int tiles)
        {
            int rows = Chunk * part.Width;
            int states = part.PaddedStates;
            SumFloats = Chunk * (states / 4) * Math.Max(4, part.Width);
            long total = ((long)tiles * states * part.Width) + (2L * Chunk * states) + (8L * rows) + (8L * rows) + (4L * part.Width)
                + (2L * SumFloats) + (Chunk / 4);
            float* next = KernelScratch.ForItem(total);
            H = next;
            Decay = H + (4 * (rows + part.Width));
            Delta = Decay + (4 * rows);
            Input = Delta + rows;
            DY = Input + rows;
            Y = DY + rows;
            ViaB = Y + rows;
            ViaA = ViaB + rows;
            Slope = ViaA + rows;
            GateGrad = Slope + rows;
            A = GateGrad + rows;
            B = A + (tiles * states * part.Width);
            C = B + (Chunk * states);
            SumB = C + (Chunk * states);
            SumC = SumB + SumFloats;
            Resets = (byte*)(SumC + SumFloats);
        }
    }
}
