using System.Runtime.Intrinsics;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cpu;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Engine E6, one position after the other: the recurrence of xLSTM's scalar memory (Beck et al. 2024, arXiv 2405.04517, equations 8 to 17). For
/// each head, with (z~, i~, f~, o~) = x_t + h_(t-1) R: m_t = max(log f + m_(t-1), i~), i' = exp(i~ - m_t), f' = exp(log f + m_(t-1) - m_t),
/// c_t = f' c_(t-1) + i' tanh z~, n_t = f' n_(t-1) + i', h_t = sigmoid(o~) c_t / n_t, log f = log sigmoid f~. m bounds the exponentials and
/// changes no number. Before the first position c = n = 0 and m is so low that nothing of it is left.
/// </summary>
/// <remarks>
/// h_(t-1) inside the gates leaves no parallel form. In single precision it is one pass either way, of SIMD (<see cref="SLstmCpu{TOps, TVec}"/>) or of one
/// kernel (<see cref="SLstmKernels"/>); in double, and as a reference, a dozen operators a position. R's gradient is one product after the pass.
/// </remarks>
internal sealed unsafe class SequentialLstm : autograd.Function
{
    /// <summary>m before the first position.</summary>
    internal const double Nothing = -1e30;

    private static readonly Operator s_maximum = new("aten::maximum");

    private SequentialLstm()
    {
    }

    /// <summary>What is carried: h, c, n, m, each [batch, heads, d].</summary>
    internal sealed record State(Tensor H, Tensor C, Tensor N, Tensor M)
    {
        /// <summary>Before the first position.</summary>
        internal static State First(long batch, long heads, long width, ScalarType type, Device device)
        {
            Tensor zero = zeros([batch, heads, width], type, device);
            return new State(zero, zero, zero, full([batch, heads, width], Nothing, type, device));
        }
    }

    /// <summary>What it costs: R, and of a channel three operations for c, two for n, two for h and four for m.</summary>
    internal static MixerWork Work(long heads, long d) => MixerWork.Constant(heads * d * ((8.0 * d) + 11));

    /// <summary>Runs the recurrence.</summary>
    /// <param name="x">z~, i~, f~, o~ without the recurrent part: [batch, length, heads, 4 d], single or double precision.</param>
    /// <param name="r">[heads, d, 4 d], of x's type.</param>
    /// <param name="state">What to go on from, without gradients; null: nothing.</param>
    /// <param name="ids">int [batch, length], or null: nothing is carried across a change.</param>
    /// <returns>h [batch, length, heads, d], and what is behind the last position.</returns>
    internal static (Tensor H, State Last) Run(Tensor x, Tensor r, State? state, Tensor? ids)
    {
        Tensor? keep = ids is null ? null : DiagonalScan.Continues(cat([ids.narrow(1, 0, 1), ids], 1), x.dtype);
        State before = state ?? State.First(x.size(0), x.size(2), r.size(1), x.dtype, x.device);
        bool host = TensorRows.OnKernels(x) && KernelDispatch.Current != KernelPath.Reference;
        if (!host && !(x.dtype == float32 && KernelDevices.Of(x) is not null))
        {
            return Composed(x, r, before, keep);
        }

        Tensor?[] y = new SequentialLstm().apply(x, r, before.H, before.C, before.N, before.M, keep);
        return (y[0]!, new State(y[0]!.select(1, x.size(1) - 1), y[1]!, y[2]!, y[3]!));
    }

    protected override string Name => "SequentialLstm";

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        Tensor?[] kept = Array.ConvertAll(inputs, t => t?.contiguous());
        Tensor pre = inputs[0]!.clone().contiguous();
        (long batch, long length, long heads, long width) = (pre.size(0), pre.size(1), pre.size(2), kept[1]!.size(1));
        Tensor[] states = [.. Enumerable.Range(0, 4).Select(_ => empty([batch, length, heads, width], float32, pre.device))];
        ForHeads(pre, Arguments(kept, pre, states), Pass.Forward);
        save_for_backward([pre, .. kept[1..], .. states]);
        return [states[0], .. states[1..].Select(s => s.select(1, length - 1).clone())];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs)
    {
        Tensor pre = saved(0)!;
        Tensor?[] inputs = [null, .. Enumerable.Range(1, 6).Select(i => saved(i))];
        Tensor[] states = [.. Enumerable.Range(7, 4).Select(i => saved(i)!)];
        (Tensor dh, Tensor dPre) = (grad_outputs[0]?.contiguous() ?? zeros_like(states[0]), empty_like(pre));
        SLstmArguments a = Arguments(inputs, pre, states);
        a.DH = At(dh);
        a.DPre = At(dPre);
        ForHeads(pre, a, Pass.Backward);

        // R sees h of the position before, unless a sequence begins.
        long length = pre.size(1);
        Tensor before = length == 1 ? inputs[2]!.unsqueeze(1) : cat([inputs[2]!.unsqueeze(1), states[0].narrow(1, 0, length - 1)], 1);
        before = inputs[6] is { } keep ? before * keep.unsqueeze(-1) : before;
        Tensor dr = before.permute(2, 3, 0, 1).flatten(2).matmul(dPre.permute(2, 0, 1, 3).flatten(1, 2));
        return [dPre, dr, null, null, null, null, null];
    }

    private enum Pass
    {
        Forward,
        Backward,
    }

    private static SLstmArguments Arguments(Tensor?[] inputs, Tensor pre, Tensor[] states) => new()
    {
        Batch = (int)pre.size(0),
        Length = (int)pre.size(1),
        Heads = (int)pre.size(2),
        Width = (int)states[0].size(3),
        R = At(inputs[1]),
        H0 = At(inputs[2]),
        C0 = At(inputs[3]),
        N0 = At(inputs[4]),
        M0 = At(inputs[5]),
        Keep = At(inputs[6]),
        Pre = At(pre),
        H = At(states[0]),
        C = At(states[1]),
        N = At(states[2]),
        M = At(states[3]),
    };

    private static float* At(Tensor? t) => t is null ? null : (float*)t.data_ptr();

    private static void ForHeads(Tensor x, SLstmArguments a, Pass pass)
    {
        if (KernelDevices.Of(x) is { } device)
        {
            (pass == Pass.Forward ? (Action<KernelDevice, SLstmArguments>)SLstmKernels.Forward : SLstmKernels.Backward)(device, a);
            return;
        }

        Action<int> item = (KernelDispatch.Current, pass) switch
        {
            (KernelPath.Vector512, Pass.Forward) => i => SLstmCpu<Simd512, Vector512<float>>.Forward(a, i),
            (KernelPath.Vector512, _) => i => SLstmCpu<Simd512, Vector512<float>>.Backward(a, i),
            (KernelPath.Vector256, Pass.Forward) => i => SLstmCpu<Simd256, Vector256<float>>.Forward(a, i),
            (KernelPath.Vector256, _) => i => SLstmCpu<Simd256, Vector256<float>>.Backward(a, i),
            (_, Pass.Forward) => i => SLstmCpu<SimdScalar, float>.Forward(a, i),
            _ => i => SLstmCpu<SimdScalar, float>.Backward(a, i),
        };
        KernelThreads.For(a.Batch * a.Heads, item);
    }

    private static (Tensor H, State Last) Composed(Tensor x, Tensor r, State s, Tensor? keep)
    {
        long length = x.size(1), d = r.size(1);
        var all = new Tensor[length];
        for (long t = 0; t < length; t++)
        {
            if (keep is not null && t > 0)
            {
                Tensor own = keep.select(1, t).unsqueeze(-1);
                s = new State(s.H * own, s.C * own, s.N * own, (s.M * own) + ((1 - own) * Nothing));
            }

            Tensor[] pre = (x.select(1, t) + s.H.transpose(0, 1).bmm(r).transpose(0, 1)).split([d, d, d, d], -1);
            Tensor kept = s.M - nn.functional.softplus(pre[2].neg());
            // A constant, since h has no slope in it.
            Tensor m = s_maximum.Call(kept, pre[1]).detach();
            (Tensor i, Tensor f) = ((pre[1] - m).exp(), (kept - m).exp());
            (Tensor c, Tensor n) = ((s.C * f) + (i * pre[0].tanh()), (s.N * f) + i);
            s = new State(pre[3].sigmoid() * c / n, c, n, m);
            all[t] = s.H;
        }

        return (stack(all, 1), s);
    }
}
