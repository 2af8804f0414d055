namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>
/// The vector operations the kernels are written in, so that one source serves every vector width. Implementations are
/// stateless; <typeparamref name="TVec"/> is the register type itself, which the JIT keeps in registers.
/// </summary>
/// <typeparam name="TVec">A register of <see cref="Width"/> floats.</typeparam>
internal unsafe interface ISimd<TVec>
    where TVec : unmanaged
{
    public static abstract int Width { get; }

    public static abstract TVec Load(float* source);

    public static abstract void Store(float* target, TVec value);

    public static abstract TVec Broadcast(float value);

    public static abstract TVec Add(TVec a, TVec b);

    public static abstract TVec Sub(TVec a, TVec b);

    public static abstract TVec Mul(TVec a, TVec b);

    public static abstract TVec Div(TVec a, TVec b);

    /// <summary>a * b + c.</summary>
    public static abstract TVec Fma(TVec a, TVec b, TVec c);

    /// <summary>c - a * b.</summary>
    public static abstract TVec Fnma(TVec a, TVec b, TVec c);

    /// <summary>Maximum; the second operand when either is NaN.</summary>
    public static abstract TVec Max(TVec a, TVec b);

    /// <summary>Minimum; the second operand when either is NaN.</summary>
    public static abstract TVec Min(TVec a, TVec b);

    public static abstract TVec Abs(TVec a);

    /// <summary>Nearest integer, ties to even.</summary>
    public static abstract TVec Round(TVec a);

    /// <summary>x - round(x), and 0 (or anything finite) for infinite x where the width supports it.</summary>
    public static abstract TVec Fraction(TVec x, TVec rounded);

    /// <summary>p * 2^n for n = round(x), p in [0.7, 1.42]; 0 below and infinity above the range, NaN kept.</summary>
    public static abstract TVec Scale(TVec p, TVec n, TVec x);

    /// <summary>test &lt; 0 ? a : b, lane by lane.</summary>
    public static abstract TVec SelectNegative(TVec test, TVec a, TVec b);

    public static abstract TVec Log(TVec x);

    public static abstract float Sum(TVec a);

    public static abstract float MaxAcross(TVec a);

    /// <summary>
    /// Adds four vectors, partly summed across lanes, to an accumulator of max(4, Width) floats from which
    /// <see cref="FoldFour"/> makes the four sums. A quarter of the memory traffic of four separate accumulators.
    /// </summary>
    public static abstract void AddFour(float* accumulator, TVec v0, TVec v1, TVec v2, TVec v3);

    /// <summary>The four lane sums held by an accumulator of <see cref="AddFour"/>.</summary>
    public static abstract void FoldFour(float* accumulator, float* target);
}
