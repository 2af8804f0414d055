using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>
/// The same computation as <see cref="MambaScan"/> out of libtorch's operators, one position at a time: slow, but right on
/// every device and in double precision. It is what the kernels are tested against, and the fallback where none exist.
/// </summary>
internal static class MambaPortable
{
    internal static Tensor Run(Tensor xz, MambaState[]? states, Tensor? sequenceIds,
        params (MambaDirection Parameters, bool Reverse)[] directions)
    {
        Tensor? result = null;
        for (int k = 0; k < directions.Length; k++)
        {
            (MambaDirection p, bool reverse) = directions[k];
            Tensor[] halves = (reverse ? xz.flip(1) : xz).chunk(2, 2);
            Tensor y = Forward(halves[0], halves[1], p, states?[k], reverse ? sequenceIds?.flip(1) : sequenceIds);
            y = reverse ? y.flip(1) : y;
            result = result is null ? y : result + y;
        }

        return result!;
    }

    private static Tensor Forward(Tensor x, Tensor z, MambaDirection p, MambaState? state, Tensor? sequenceIds)
    {
        long length = x.size(1);
        long rank = p.DtProj.weight.size(1);
        long states = p.ALog.size(1);
        Tensor u = nn.functional.silu(Convolve(x, p, state, sequenceIds));
        Tensor rows = nn.functional.linear(u, Cast(p.XProj.weight, x));
        rows = p.Norms?.Forward(rows, states, p.Inner().AsSpan(MambaParameters.Count - ProjectionNorms.Count)) ?? rows;
        Tensor[] dbl = rows.split([rank, states, states], 2);
        Tensor raw = nn.functional.linear(dbl[0], Cast(p.DtProj.weight, x), Cast(p.DtProj.bias!, x));
        Tensor delta = nn.functional.softplus(raw);
        Tensor a = -Cast(p.ALog, x).exp();
        Tensor h = state?.State.to(x.dtype) ?? zeros([x.size(0), x.size(2), states], x.dtype, x.device);
        var ys = new Tensor[length];
        for (long t = 0; t < length; t++)
        {
            Tensor step = delta.select(1, t).unsqueeze(2);
            if (sequenceIds is not null && t > 0)
            {
                Tensor same = sequenceIds.select(1, t).eq(sequenceIds.select(1, t - 1)).to(x.dtype);
                h = h * same.reshape(-1, 1, 1);
            }

            h = ((step * a).exp() * h) + (step * dbl[1].select(1, t).unsqueeze(1) * u.select(1, t).unsqueeze(2));
            ys[t] = h.matmul(dbl[2].select(1, t).unsqueeze(2)).squeeze(2);
        }

        state?.State.copy_(h);
        Tensor y = stack(ys, 1) + (u * Cast(p.D, x));
        return y * nn.functional.silu(z);
    }

    // Tap by tap, so that taps across a boundary can be dropped.
    private static Tensor Convolve(Tensor x, MambaDirection p, MambaState? state, Tensor? sequenceIds)
    {
        long length = x.size(1);
        Tensor w = Cast(p.Conv1d.weight, x);
        long taps = w.size(2);
        Tensor halo = state?.Halo.to(x.dtype) ?? zeros([x.size(0), taps - 1, x.size(2)], x.dtype, x.device);
        Tensor padded = cat([halo, x], 1);
        Tensor? result = p.Conv1d.bias is null ? null : Cast(p.Conv1d.bias, x).expand(x.shape);
        for (long k = 0; k < taps; k++)
        {
            Tensor term = padded.narrow(1, k, length) * w.select(2, k).squeeze(1);
            long back = taps - 1 - k;
            if (sequenceIds is not null && back > 0 && back < length)
            {
                Tensor same = sequenceIds.narrow(1, back, length - back).eq(sequenceIds.narrow(1, 0, length - back));
                Tensor mask = cat([ones([x.size(0), back], x.dtype, x.device), same.to(x.dtype)], 1);
                term = term * mask.unsqueeze(2);
            }

            result = result is null ? term : result + term;
        }

        state?.Halo.copy_(padded.narrow(1, length, taps - 1));
        return result!;
    }

    private static Tensor Cast(Tensor parameter, Tensor like) =>
        parameter.dtype == like.dtype ? parameter : parameter.to(like.dtype);
}
