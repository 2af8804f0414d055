namespace GenoSeq.Data;

/// <summary>
/// A pseudo-random order of 0 .. count − 1 that needs no table: a keyed bijection evaluated one index at a time.
/// </summary>
/// <remarks>
/// A generalised Feistel network over a × b ≥ count with cycle walking: Black and Rogaway, "Ciphers with arbitrary
/// finite domains", CT-RSA 2002. With a and b near the square root, a·b exceeds count by less than a, so a walk is one
/// step almost always.
/// </remarks>
public readonly struct KeyedPermutation
{
    private const int Rounds = 8;

    private readonly ulong _key;
    private readonly ulong _count;
    private readonly ulong _a;
    private readonly ulong _b;

    // floor((2^64 − 1) / a) and the same of b: a product with one is a quotient that is right or one too small.
    private readonly ulong _perA;
    private readonly ulong _perB;

    /// <summary>Sets up the permutation; constant time and memory.</summary>
    /// <param name="count">Size of the domain, at least 1.</param>
    /// <param name="key">Chooses the order.</param>
    public KeyedPermutation(long count, ulong key)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        _count = (ulong)count;
        _key = key;
        _a = (ulong)Math.Sqrt(count);
        // The square root of a large whole number may be rounded to either side; any a near it serves.
        _a = Math.Max(_a, 1);
        _b = (_count + _a - 1) / _a;
        _perA = ulong.MaxValue / _a;
        _perB = ulong.MaxValue / _b;
    }

    private KeyedPermutation(in KeyedPermutation other, ulong key)
    {
        this = other;
        _key = key;
    }

    /// <summary>Another order of the same domain; cheaper than making it anew.</summary>
    public KeyedPermutation WithKey(ulong key) => new(this, key);

    /// <summary>Size of the domain.</summary>
    public long Count => (long)_count;

    /// <summary>The element at a place of the order; different places give different elements.</summary>
    public long this[long index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((ulong)index, _count, nameof(index));
            ulong x = (ulong)index;
            do
            {
                x = Encrypt(x);
            }
            while (x >= _count);
            return (long)x;
        }
    }

    private ulong Encrypt(ulong x)
    {
        ulong left = Divide(x, _b, _perB, out ulong right);
        for (uint round = 0; round < Rounds; round += 2)
        {
            Divide(Noise(right, round), _a, _perA, out ulong add);
            left += add;
            left -= left >= _a ? _a : 0;
            Divide(Noise(left, round + 1), _b, _perB, out add);
            right += add;
            right -= right >= _b ? _b : 0;
        }
        return left * _b + right;
    }

    // With m = floor((2^64 − 1) / d), n·m / 2^64 falls short of n / d by less than n / 2^64 < 1, so its whole part is the
    // quotient or one less. Several times as fast as the processor's division.
    private static ulong Divide(ulong n, ulong d, ulong m, out ulong remainder)
    {
        ulong quotient = Math.BigMul(n, m, out _);
        remainder = n - quotient * d;
        if (remainder >= d)
        {
            remainder -= d;
            quotient++;
        }
        return quotient;
    }

    private ulong Noise(ulong half, uint round) =>
        CounterRandom.Mix(CounterRandom.Mix(half ^ _key) + ((ulong)round << 56) + (_key >> 7));
}
