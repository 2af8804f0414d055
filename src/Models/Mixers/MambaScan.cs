using GenoSeq.Models.Blocks;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>
/// What lies between in_proj and out_proj of Mamba, for one or two directions over one xz [batch, length, 2D]: convolution
/// and SiLU, projections of dt, B and C, selective scan, gate. Directions read the same xz by mirrored indices and add their
/// gated outputs into one tensor [batch, length, D].
/// </summary>
/// <remarks>
/// Backward keeps xz, and per direction dt, B, C before dt's projection and the scan's chunk states; the convolution and the
/// step sizes are computed again (cheap), y before the gate is rebuilt inside the kernel. Long inputs go batch entry by batch
/// entry, so that temporaries do not grow with the batch.
/// </remarks>
internal sealed unsafe class MambaScan : autograd.Function
{

    private readonly bool[] _reverse;
    private Tensor? _sequenceIds;
    private readonly ScalarType _compute;
    private readonly MambaState[]? _states;
    private readonly ProjectionNorms? _norms;

    private MambaScan(bool[] reverse, MambaState[]? states, Tensor? sequenceIds, ScalarType compute, ProjectionNorms? norms)
    {
        _norms = norms;
        _reverse = reverse;
        _states = states;
        _sequenceIds = sequenceIds;
        _compute = compute;
    }

    /// <summary>Tokens above which temporaries are worth cutting by batch entry.</summary>
    internal static long SliceTokens { get; set; } = 32768;

    protected override string Name => "MambaScan";

    /// <summary>Runs the directions on xz and adds their outputs.</summary>
    /// <param name="xz">[batch, length, 2D]: x, then z.</param>
    /// <param name="states">What each direction brings from before in its reading order, updated in place; no gradients. Null: zeros.</param>
    /// <param name="sequenceIds">int32 [batch, length], or null.</param>
    /// <param name="compute">Type of the matrix products.</param>
    /// <param name="directions">Parameters, and whether they read from the end.</param>
    internal static Tensor Run(Tensor xz, MambaState[]? states, Tensor? sequenceIds, ScalarType compute,
        params (MambaDirection Parameters, bool Reverse)[] directions)
    {
        MambaDirection any = directions[0].Parameters;
        if (KernelDevices.Of(xz) is { } device && xz.dtype is bfloat16 or float32
            && DeviceDirection.Supports(xz.size(2) / 2, any.ALog.size(1), any.Conv1d.weight.size(2)))
        {
            return DeviceMambaScan.Run(device, xz, states, sequenceIds, compute, directions);
        }

        if (!TensorRows.OnKernels(xz))
        {
            return MambaPortable.Run(xz, states, sequenceIds, directions);
        }

        var inputs = new Tensor?[1 + (MambaParameters.Count * directions.Length)];
        inputs[0] = xz;
        for (int k = 0; k < directions.Length; k++)
        {
            directions[k].Parameters.Inner().CopyTo(inputs, 1 + (k * MambaParameters.Count));
        }

        if (states is not null && is_grad_enabled() && Array.Exists(inputs, t => t is { requires_grad: true }))
        {
            throw new InvalidOperationException("a state is carried without gradients: use no_grad");
        }

        bool[] reverse = Array.ConvertAll(directions, d => d.Reverse);
        return new MambaScan(reverse, states, sequenceIds, compute, any.Norms).apply(inputs)[0]!;
    }

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor xz = inputs[0]!.contiguous();
        long batch = xz.size(0);
        long length = xz.size(1);
        long d = xz.size(2) / 2;
        Tensor result = empty([batch, length, d]);
        var saved = new List<Tensor?>(inputs) { [0] = xz };
        var kept = new List<Tensor>();
        for (int k = 0; k < _reverse.Length; k++)
        {
            var p = Of(inputs, k);
            Tensor projected = empty([batch, length, p.Rank + (2 * p.States)]);
            Tensor? chunks = WillDifferentiate
                ? empty([batch, SelectiveScan.CheckpointSize(1, (int)length, (int)d, (int)p.States)])
                : null;
            Tensor a = p.ALog.exp().neg();
            foreach ((long first, long count) in Slices(batch, length))
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor u = Convolve(xz.narrow(0, first, count), p, k, first);
                Tensor dbl = projected.narrow(0, first, count);
                dbl.copy_(Gemm.Linear(u, p.XProj, null, _compute));
                dbl = p.Normed(dbl);
                Tensor delta = Gemm.Linear(dbl.narrow(2, 0, p.Rank), p.DtProj, null, _compute);
                Tensor outRows = result.narrow(0, first, count);
                SelectiveScan.Forward(
                    ScanInputs(xz.narrow(0, first, count), u, delta, dbl, a, p, k, first),
                    new SelectiveScanOutputs<float>
                    {
                        Out = TensorRows.Of(outRows),
                        Accumulate = k > 0,
                        FinalState = TensorRows.Dense(_states?[k].State),
                        Checkpoints = TensorRows.Dense(chunks?.narrow(0, first, count)),
                    });
            }

            kept.Add(projected);
            if (chunks is not null)
            {
                kept.Add(chunks);
            }

            kept.Add(a);
        }

        save_for_backward([.. saved, .. kept, _sequenceIds]);
        return [result];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        int n = 1 + (MambaParameters.Count * _reverse.Length);
        var gradients = new Tensor?[n];
        if (grad_outputs[0] is null)
        {
            return gradients;
        }

        Tensor dout = grad_outputs[0]!.contiguous();
        var inputs = new Tensor?[n];
        for (int k = 0; k < n; k++)
        {
            inputs[k] = saved(k);
        }

        _sequenceIds = saved(n + (3 * _reverse.Length));
        Tensor xz = inputs[0]!;
        Tensor dxz = empty_like(xz);
        gradients[0] = dxz;
        for (int k = 0; k < _reverse.Length; k++)
        {
            var p = Of(inputs, k);
            var g = new Gradients(p);
            (Tensor projected, Tensor chunks, Tensor a) = (saved(n + (3 * k))!, saved(n + (3 * k) + 1)!, saved(n + (3 * k) + 2)!);
            foreach ((long first, long count) in Slices(xz.size(0), xz.size(1)))
            {
                using DisposeScope scope = NewDisposeScope();
                BackwardSlice(p, g, k, first, xz.narrow(0, first, count), dxz.narrow(0, first, count),
                    dout.narrow(0, first, count), projected.narrow(0, first, count), chunks.narrow(0, first, count), a);
            }

            g.A.mul_(a); // d A_log = dA * A, since A = -exp(A_log)
            Tensor?[] own = [g.Conv, g.ConvBias, g.XProj, g.DtProj, g.DtBias, g.A, g.D, .. g.Norms];
            own.CopyTo(gradients, 1 + (k * MambaParameters.Count));
        }

        return gradients;
    }

    private void BackwardSlice(in MambaParameters p, Gradients g, int k, long first, Tensor xz, Tensor dxz, Tensor dout, Tensor raw,
        Tensor chunks, Tensor a)
    {
        long tokens = xz.size(0) * xz.size(1);
        Tensor dbl = p.Normed(raw);
        bool add = first > 0;
        Tensor u = Convolve(xz, p, k, first);
        Tensor dt = dbl.narrow(2, 0, p.Rank);
        Tensor delta = Gemm.Linear(dt, p.DtProj, null, _compute);
        Tensor du = empty_like(u);
        Tensor ddelta = empty_like(u);
        Tensor ddbl = empty(dbl.shape);
        SelectiveScan.Backward(
            ScanInputs(xz, u, delta, dbl, a, p, k, first),
            new SelectiveScanGradients<float>
            {
                DOut = TensorRows.Of(dout),
                Checkpoints = TensorRows.Dense(chunks),
                DU = TensorRows.Of(du),
                DDelta = TensorRows.Of(ddelta),
                DZ = TensorRows.Of(dxz, u.size(2)),
                DB = TensorRows.Of(ddbl, p.Rank),
                DC = TensorRows.Of(ddbl, p.Rank + p.States),
                DA = TensorRows.Dense(g.A),
                DD = TensorRows.Dense(g.D),
                DDeltaBias = TensorRows.Dense(g.DtBias),
                Accumulate = (k > 0 ? ScanAccumulate.Z : 0) | (add ? ScanAccumulate.Parameters : 0),
            });
        delta.Dispose();
        Tensor flatDelta = ddelta.view(tokens, -1);
        Add(g.DtProj, Gemm.Product(flatDelta.t(), dt.reshape(tokens, p.Rank), _compute), add);
        ddbl.narrow(2, 0, p.Rank).copy_(Gemm.Product(flatDelta, p.DtProj, _compute).view(xz.size(0), -1, p.Rank));
        ddelta.Dispose();
        g.AddNorms(p.NormsBack(raw, ddbl));
        Tensor flat = ddbl.view(tokens, -1);
        Add(g.XProj, Gemm.Product(flat.t(), u.view(tokens, -1), _compute), add);
        using (Tensor through = Gemm.Product(flat, p.XProj, _compute))
        {
            du.view(tokens, -1).add_(through);
        }

        CausalConv.Backward(ConvInputs(xz, p, k, first), new CausalConvGradients<float>
        {
            DOut = TensorRows.Of(du),
            DX = TensorRows.Of(dxz),
            AccumulateX = k > 0,
            DWeight = TensorRows.Dense(g.Conv),
            DBias = TensorRows.Dense(g.ConvBias),
            AccumulateParameters = add,
        });
    }

    private Tensor Convolve(Tensor xz, in MambaParameters p, int k, long first)
    {
        Tensor u = empty([xz.size(0), xz.size(1), xz.size(2) / 2]);
        Tensor? final = _states is null ? null : empty_like(_states[k].Halo);
        CausalConv.Forward(ConvInputs(xz, p, k, first), new CausalConvOutputs<float>
        {
            Out = TensorRows.Of(u),
            FinalHalo = TensorRows.Dense(final),
        });
        if (final is not null)
        {
            _states![k].Halo.copy_(final);
        }

        return u;
    }

    private CausalConvInputs<float> ConvInputs(Tensor xz, in MambaParameters p, int k, long first) => p.Convolution(xz, _reverse[k], _states?[k].Halo) with
    {
        SequenceIds = Ids(first),
        SequenceIdsBatchStride = _sequenceIds?.stride(0) ?? 0,
    };

    private SelectiveScanInputs<float> ScanInputs(Tensor xz, Tensor u, Tensor delta, Tensor dbl, Tensor a, in MambaParameters p,
        int k, long first) => p.Scan(xz, u, delta, dbl, a, _reverse[k], _states?[k].State) with
        {
            SequenceIds = Ids(first),
            SequenceIdsBatchStride = _sequenceIds?.stride(0) ?? 0,
        };

    private MambaParameters Of(Tensor?[] inputs, int direction) =>
        new(inputs.AsSpan(1 + (direction * MambaParameters.Count), MambaParameters.Count), _norms);

    private int* Ids(long first) =>
        _sequenceIds is null ? null : (int*)_sequenceIds.data_ptr() + (first * _sequenceIds.stride(0));

    private List<(long First, long Count)> Slices(long batch, long length)
    {
        if (_states is not null || batch * length <= SliceTokens)
        {
            return [(0, batch)];
        }

        long each = Math.Max(1, SliceTokens / length);
        var slices = new List<(long, long)>();
        for (long first = 0; first < batch; first += each)
        {
            slices.Add((first, Math.Min(each, batch - first)));
        }

        return slices;
    }

    private static void Add(Tensor target, Tensor value, bool add)
    {
        if (add)
        {
            target.add_(value);
        }
        else
        {
            target.copy_(value);
        }
    }

    private sealed class Gradients(in MambaParameters p)
    {
        internal readonly Tensor Conv = empty_like(p.Conv);
        internal readonly Tensor? ConvBias = p.ConvBias is null ? null : empty_like(p.ConvBias);
        internal readonly Tensor XProj = empty_like(p.XProj);
        internal readonly Tensor DtProj = empty_like(p.DtProj);
        internal readonly Tensor DtBias = empty_like(p.DtBias);
        internal readonly Tensor A = empty_like(p.ALog);
        internal readonly Tensor D = empty_like(p.D);
        internal readonly Tensor?[] Norms = new Tensor?[ProjectionNorms.Count];

        internal void AddNorms(Tensor?[] part)
        {
            for (int k = 0; k < part.Length; k++)
            {
                Norms[k] = Norms[k] is { } sum && part[k] is { } more ? sum.add_(more) : part[k]?.MoveToOuterDisposeScope();
            }
        }
    }
}
