using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>Matrix products of the device path, all over flat rows [tokens, width] of the activation type.</summary>
internal static class DeviceGemm
{
    private static readonly Operator s_mmOut = new("aten::mm", "out");
    private static readonly Operator s_addmm_ = new("aten::addmm_");
    private static readonly Operator s_mmWide = new("aten::mm", "dtype");

    /// <summary>
    /// Rows of one part of a weight's gradient: the sum over tokens is cut into parts of this many, multiplied as a batch
    /// and added in single precision. One product over a quarter of a million rows leaves most of a GPU idle, since its
    /// result has only a few tiles.
    /// </summary>
    internal static long GradientRows { get; set; } = 8192;

    /// <summary>
    /// Where a gradient is at least this wide both ways its tiles fill a GPU, and one product with a single precision result is
    /// faster than parts: on an H100 0.28 ms at [1536, 512] over 131,072 rows, 0.48 ms at [2816, 512].
    /// </summary>
    internal static long WideGradient { get; set; } = 512;

    /// <summary>x [tokens, in] times weight [out, in] transposed.</summary>
    internal static Tensor Rows(Tensor x, Tensor weight) => x.mm(weight.t());

    /// <summary>The same into a given tensor [tokens, out].</summary>
    internal static void RowsInto(Tensor x, Tensor weight, Tensor result) => s_mmOut.CallInPlace(x, weight.t(), result);

    /// <summary>x [tokens, out] times weight [out, in]: the way back.</summary>
    internal static Tensor Back(Tensor x, Tensor weight) => x.mm(weight);

    /// <summary>The same into a given tensor [tokens, in].</summary>
    internal static void BackInto(Tensor x, Tensor weight, Tensor result) => s_mmOut.CallInPlace(x, weight, result);

    /// <summary>sum += x [tokens, out] times weight [out, in].</summary>
    internal static void AddBack(Tensor sum, Tensor x, Tensor weight) => s_addmm_.CallInPlace(sum, x, weight);

    /// <summary>A weight's gradient, dy^T x: f32 [out, in] from dy [tokens, out] and x [tokens, in].</summary>
    internal static Tensor Gradient(Tensor dy, Tensor x)
    {
        long tokens = dy.size(0);
        using DisposeScope scope = NewDisposeScope();
        if (dy.device.Type == DeviceType.CUDA && Math.Min(dy.size(1), x.size(1)) >= WideGradient && (dy.dtype == float32 || s_mmWide.Exists))
        {
            return (dy.dtype == float32 ? dy.t().mm(x) : s_mmWide.Call(dy.t(), x, float32)).MoveToOuterDisposeScope();
        }

        long whole = tokens / GradientRows;
        if (whole < 2)
        {
            return dy.t().mm(x).to(float32).MoveToOuterDisposeScope();
        }

        long most = whole * GradientRows;
        Tensor a = dy.narrow(0, 0, most);
        Tensor b = x.narrow(0, 0, most);
        Tensor sum = Parts(a, whole).transpose(1, 2).bmm(Parts(b, whole)).sum([0], dtype: float32);
        if (most < tokens)
        {
            sum.add_(dy.narrow(0, most, tokens - most).t().mm(x.narrow(0, most, tokens - most)));
        }

        return sum.MoveToOuterDisposeScope();
    }

    private static Tensor Parts(Tensor t, long parts) => t.view(parts, t.size(0) / parts, t.size(1));
}
