using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>Eight lanes: AVX2 and FMA.</summary>
internal readonly unsafe struct Simd256 : ISimd<Vector256<float>>
{
    public static int Width => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector256<float> value) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Sub(Vector256<float> a, Vector256<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Mul(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Div(Vector256<float> a, Vector256<float> b) => a / b;

    // The intrinsic class is in scope under its own name only: the method below hides it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Fma(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        System.Runtime.Intrinsics.X86.Fma.MultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Fnma(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        System.Runtime.Intrinsics.X86.Fma.MultiplyAddNegated(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Avx.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Min(Vector256<float> a, Vector256<float> b) => Avx.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Abs(Vector256<float> a) => Vector256.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Round(Vector256<float> a) => Avx.RoundToNearestInteger(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Fraction(Vector256<float> x, Vector256<float> rounded) => x - rounded;

    // The exponent field of p is bumped by n. Below 2^-126 that would leave the normal range, and from 2^128 on it would
    // make NaN patterns: both ends are replaced. NaN lanes fail both comparisons and keep p's NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Scale(Vector256<float> p, Vector256<float> n, Vector256<float> x)
    {
        Vector256<float> scaled = (p.AsInt32() + Avx2.ShiftLeftLogical(Avx.ConvertToVector256Int32(n), 23)).AsSingle();
        scaled = Vector256.AndNot(scaled, Vector256.LessThan(x, Vector256.Create(-126f)));
        return Vector256.ConditionalSelect(
            Vector256.GreaterThanOrEqual(x, Vector256.Create(128f)), Vector256.Create(float.PositiveInfinity), scaled);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SelectNegative(Vector256<float> test, Vector256<float> a, Vector256<float> b) =>
        Vector256.ConditionalSelect(Vector256.LessThan(test, Vector256<float>.Zero), a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Log(Vector256<float> x) => Vector256.Log(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> a)
    {
        Vector128<float> quad = a.GetLower() + a.GetUpper();
        quad += Sse.MoveHighToLow(quad, quad);
        return quad.ToScalar() + quad.GetElement(1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Vector256<float> a)
    {
        Vector128<float> quad = Sse.Max(a.GetLower(), a.GetUpper());
        quad = Sse.Max(quad, Sse.MoveHighToLow(quad, quad));
        return Sse.MaxScalar(quad, Sse.Shuffle(quad, quad, 0b01)).ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddFour(
        float* accumulator, Vector256<float> v0, Vector256<float> v1, Vector256<float> v2, Vector256<float> v3)
    {
        Vector256<double> low = (Avx.UnpackLow(v0, v1) + Avx.UnpackHigh(v0, v1)).AsDouble();
        Vector256<double> high = (Avx.UnpackLow(v2, v3) + Avx.UnpackHigh(v2, v3)).AsDouble();
        Vector256<float> sum = Avx.UnpackLow(low, high).AsSingle() + Avx.UnpackHigh(low, high).AsSingle();
        (Vector256.Load(accumulator) + sum).Store(accumulator);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FoldFour(float* accumulator, float* target)
    {
        Vector256<float> sum = Vector256.Load(accumulator);
        (sum.GetLower() + sum.GetUpper()).Store(target);
    }
}
