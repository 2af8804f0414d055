using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Blocks;

/// <summary>Linear layers under a precision policy.</summary>
internal static class Gemm
{
    /// <summary>
    /// x [..., in] times weight [out, in] transposed. Under the bf16 policy both are rounded to bfloat16, the product is
    /// accumulated in single precision by the library (with the bias, where x is of the policy's type), and the result comes back in x's type.
    /// </summary>
    internal static Tensor Linear(Tensor x, Tensor weight, Tensor? bias, ScalarType compute)
    {
        if (compute == x.dtype && weight.dtype == compute)
        {
            return nn.functional.linear(x, weight, bias);
        }

        if (compute == x.dtype)
        {
            return nn.functional.linear(x, weight.to(compute), bias?.to(compute));
        }

        Tensor y = nn.functional.linear(x.to(compute), weight.to(compute)).to(x.dtype);
        return bias is null ? y : y + bias;
    }

    /// <summary>
    /// x [batch, length, heads, in] times a matrix for each head, weight [heads, in, out]. Heads come first in the product: broadcast over positions, the
    /// library would write the matrices out for each.
    /// </summary>
    internal static Tensor Heads(Tensor x, Tensor weight)
    {
        (long batch, long length, long heads) = (x.size(0), x.size(1), x.size(2));
        Tensor rows = x.permute(2, 0, 1, 3).reshape(heads, batch * length, x.size(3));
        return rows.bmm(weight).reshape(heads, batch, length, -1).permute(1, 2, 0, 3);
    }

    /// <summary>[m, k] times [k, n] in the policy's type, as single precision.</summary>
    internal static Tensor Product(Tensor a, Tensor b, ScalarType compute) =>
        compute == a.dtype ? a.mm(b) : a.to(compute).mm(b.to(compute)).to(a.dtype);
}
