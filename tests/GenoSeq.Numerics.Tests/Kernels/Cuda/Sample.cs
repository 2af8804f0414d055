using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>Random tensors for kernels, rounded to their type, with the same numbers in double precision.</summary>
internal sealed class Sample(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>Roughly normal numbers.</summary>
    public (Tensor Tensor, double[] Values) Normal(ScalarType type, params long[] size)
    {
        var values = new float[size.Aggregate(1L, (a, b) => a * b)];
        for (int i = 0; i < values.Length; i++)
        {
            double u = _random.NextDouble() + _random.NextDouble() + _random.NextDouble() - 1.5;
            values[i] = (float)(2 * u);
        }

        Tensor t = tensor<float>(values, size).to(type);
        return (t, Doubles(t));
    }

    /// <summary>Uniform integers in [low, high).</summary>
    public int[] Ints(int low, int high, int count) => [.. Enumerable.Range(0, count).Select(_ => _random.Next(low, high))];

    public double NextDouble() => _random.NextDouble();

    /// <summary>A permutation that is its own inverse, with some ids mapped to themselves.</summary>
    public static int[] Complement(int vocab)
    {
        int[] map = [.. Enumerable.Range(0, vocab)];
        for (int i = 0; i + 3 < vocab; i += 4) (map[i], map[i + 3], map[i + 1], map[i + 2]) = (i + 3, i, i + 2, i + 1);
        return map;
    }

    public static double[] Doubles(Tensor t) => Array.ConvertAll(t.to(float32).ToArray<float>(), x => (double)x);

    /// <summary>All bits, to compare runs.</summary>
    public static byte[] Bits(Tensor t)
    {
        using Tensor c = t.contiguous();
        unsafe
        {
            return new ReadOnlySpan<byte>((void*)c.data_ptr(), checked((int)c.numel() * c.dtype.ElementSize())).ToArray();
        }
    }
}
