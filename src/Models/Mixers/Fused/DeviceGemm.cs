using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Fused;

/// <summary>Matrix products of the device path, all over flat rows [tokens, width] of the activation type.</summary>
internal static class DeviceGemm
{
    private static readonly Operator s_mmOut = new("aten::mm", "out");
    private static readonly Operator s_mmAs = new("aten::mm", "dtype");
    private static readonly Operator s_addmm_ = new("aten::addmm_");

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

    /// <summary>sum += x [tokens, in] times weight [out, in] transposed.</summary>
    internal static void AddRows(Tensor sum, Tensor x, Tensor weight) => s_addmm_.CallInPlace(sum, x, weight.t());

    /// <summary>A weight's gradient, dy^T x: f32 [out, in] from dy [tokens, out] and x [tokens, in].</summary>
    /// <remarks>
    /// Newer libtorch on CUDA gives the product in single precision as it is accumulated: no rounding, and up to 1.5 times
    /// faster, since partial sums over tokens need no second type.
    /// </remarks>
    internal static Tensor Gradient(Tensor dy, Tensor x)
    {
        if (dy.dtype != float32 && dy.device.Type == DeviceType.CUDA && s_mmAs.Exists)
        {
            using Tensor transposed = dy.t();
            return s_mmAs.Call(transposed, x, float32);
        }

        using DisposeScope scope = NewDisposeScope();
        return dy.t().mm(x).to(float32).MoveToOuterDisposeScope();
    }
}
