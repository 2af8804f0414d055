using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>One lane, no vector instructions: the same kernels on machines without usable vector units.</summary>
internal readonly unsafe struct SimdScalar : ISimd<float>
{
    public static int Width => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(float* source) => *source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, float value) => *target = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Broadcast(float value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Add(float a, float b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sub(float a, float b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Mul(float a, float b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Div(float a, float b) => a / b;

    // Unfused on purpose: without an FMA unit the fused form is a slow library call.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Fma(float a, float b, float c) => (a * b) + c;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Fnma(float a, float b, float c) => c - (a * b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Max(float a, float b) => a > b ? a : b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Min(float a, float b) => a < b ? a : b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Abs(float a) => MathF.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Round(float a) => MathF.Round(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Fraction(float x, float rounded) => x - rounded;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(float p, float n, float x)
    {
        if (x < -126f) return 0f;
        if (x >= 128f) return float.PositiveInfinity;
        return float.IsNaN(x) ? x : BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(p) + ((int)n << 23));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SelectNegative(float test, float a, float b) => test < 0f ? a : b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Log(float x) => MathF.Log(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(float a) => a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(float a) => a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddFour(float* accumulator, float v0, float v1, float v2, float v3)
    {
        accumulator[0] += v0;
        accumulator[1] += v1;
        accumulator[2] += v2;
        accumulator[3] += v3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FoldFour(float* accumulator, float* target)
    {
        target[0] = accumulator[0];
        target[1] = accumulator[1];
        target[2] = accumulator[2];
        target[3] = accumulator[3];
    }
}
