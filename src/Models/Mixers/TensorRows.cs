using GenoSeq.Models.Kernels;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>Views of tensors for the kernels.</summary>
internal static unsafe class TensorRows
{
    /// <summary>Channels [first, ...) of t [batch, length, channels], single precision, unit stride along channels.</summary>
    internal static Rows<float> Of(Tensor t, long first = 0)
    {
        if (t.dtype != float32 || t.dim() != 3 || (t.stride(2) != 1 && t.size(2) > 1))
        {
            throw new ArgumentException($"a kernel needs f32[batch, length, channels] with channels together, not {t.Describe()}");
        }

        return new Rows<float>((float*)t.data_ptr() + first, t.stride(1), t.stride(0));
    }

    /// <summary>The first element of a contiguous tensor; null for none.</summary>
    internal static float* Dense(Tensor? t)
    {
        if (t is null)
        {
            return null;
        }

        if (t.dtype != float32 || !t.is_contiguous())
        {
            throw new ArgumentException($"a kernel needs a contiguous f32 tensor, not {t.Describe()}");
        }

        return (float*)t.data_ptr();
    }

    /// <summary>True when our CPU kernels can take the tensor.</summary>
    internal static bool OnKernels(Tensor t) => t.device.Type == DeviceType.CPU && t.dtype == float32;
}
