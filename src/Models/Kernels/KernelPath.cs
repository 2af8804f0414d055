namespace GenoSeq.Models.Kernels;

/// <summary>Which implementation of the CPU kernels runs.</summary>
public enum KernelPath
{
    /// <summary>Plain single-threaded loops, the readable definition of each kernel.</summary>
    Reference,

    /// <summary>The blocked kernels with one lane, for machines without usable vector units.</summary>
    Scalar,

    /// <summary>Eight lanes (AVX2 with FMA).</summary>
    Vector256,

    /// <summary>Sixteen lanes (AVX-512F and DQ).</summary>
    Vector512,
}
