using System.Runtime.CompilerServices;

namespace GenoSeq.Data;

/// <summary>
/// A counter-based random stream: word <c>i</c> is a pure function of (seed, stream name, index, i). So what happens to
/// a sample depends on nothing but its index: not on order, threads, ranks or batch size.
/// </summary>
/// <remarks>
/// Philox4x32 with 10 rounds, from Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC
/// 2011. The 64-bit key is mixed from the seed and the stream's name; the 128-bit counter holds the block number (low
/// half) and the index (high half).
/// </remarks>
public struct CounterRandom
{
    internal const uint Multiplier0 = 0xD2511F53;
    internal const uint Multiplier1 = 0xCD9E8D57;
    internal const uint Weyl0 = 0x9E3779B9;
    internal const uint Weyl1 = 0xBB67AE85;
    internal const int Rounds = 10;

    private readonly ulong _key;
    private readonly ulong _index;
    private ulong _position;

    /// <summary>Opens the stream at its first word.</summary>
    /// <param name="key">Seed and stream name, from <see cref="Key"/>.</param>
    /// <param name="index">The sample (or other item) the stream belongs to.</param>
    public CounterRandom(ulong key, long index)
    {
        _key = key;
        _index = (ulong)index;
    }

    /// <summary>Opens the stream at its first word.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">What the numbers are for; different names give unrelated numbers.</param>
    /// <param name="index">The sample (or other item) the stream belongs to.</param>
    public CounterRandom(long seed, string stream, long index)
        : this(Key(seed, stream), index)
    {
    }

    /// <summary>Mixes a seed and a stream name into a key, so that hot loops need not hash the name again.</summary>
    public static ulong Key(long seed, string stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        // FNV-1a over the name, then two rounds of a finaliser so that neighbouring seeds give unrelated keys.
        ulong hash = 0xCBF29CE484222325;
        foreach (char c in stream)
        {
            hash = (hash ^ c) * 0x100000001B3;
        }
        return Mix(Mix((ulong)seed) ^ hash);
    }

    /// <summary>
    /// The 64-bit finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a bijection that spreads every bit.
    /// </summary>
    public static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    /// <summary>The next 32 random bits.</summary>
    public uint NextUInt32()
    {
        uint word = WordAt(_position);
        _position++;
        return word;
    }

    /// <summary>The next 64 random bits.</summary>
    public ulong NextUInt64() => ((ulong)NextUInt32() << 32) | NextUInt32();

    /// <summary>A number in [0, 1) with 53 random bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A whole number in [0, bound), without bias.</summary>
    /// <remarks>Lemire, "Fast random integer generation in an interval", ACM TOMACS 2019.</remarks>
    public long NextInt64(long bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        ulong range = (ulong)bound;
        ulong high = Math.BigMul(NextUInt64(), range, out ulong low);
        if (low < range)
        {
            ulong threshold = (0 - range) % range;
            while (low < threshold)
            {
                high = Math.BigMul(NextUInt64(), range, out low);
            }
        }
        return (long)high;
    }

    /// <summary>Word <paramref name="position"/> of the stream, without moving in it.</summary>
    public readonly uint WordAt(ulong position)
    {
        (uint w0, uint w1, uint w2, uint w3) = Block(position >> 2);
        return (position & 3) switch { 0 => w0, 1 => w1, 2 => w2, _ => w3 };
    }

    /// <summary>
    /// Words 2·<paramref name="pair"/> and the one after as one number, the first in its upper half, without moving in
    /// the stream.
    /// </summary>
    public readonly ulong PairAt(ulong pair)
    {
        (uint w0, uint w1, uint w2, uint w3) = Block(pair >> 1);
        return (pair & 1) == 0 ? ((ulong)w0 << 32) | w1 : ((ulong)w2 << 32) | w3;
    }

    /// <summary>
    /// Fills with the words from <paramref name="position"/> (a multiple of four) on, without moving in the stream.
    /// </summary>
    public readonly void Fill(Span<uint> words, ulong position = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(position & 3, 0UL, nameof(position));
        ulong block = position >> 2;
        int i = PhiloxVector.IsSupported ? PhiloxVector.Fill(words, block, _index, _key) : 0;
        block += (ulong)i >> 2;
        for (; i <= words.Length - 4; i += 4)
        {
            (words[i], words[i + 1], words[i + 2], words[i + 3]) = Block(block++);
        }
        for (; i < words.Length; i++)
        {
            words[i] = WordAt(position + (ulong)i);
        }
    }

    /// <summary>Philox4x32-10 on a raw counter and key, as in the authors' known-answer tests.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static (uint W0, uint W1, uint W2, uint W3) Philox(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (int round = 0; round < Rounds; round++)
        {
            ulong product0 = (ulong)Multiplier0 * c0;
            ulong product1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = (
                (uint)(product1 >> 32) ^ c1 ^ k0, (uint)product1,
                (uint)(product0 >> 32) ^ c3 ^ k1, (uint)product0);
            k0 += Weyl0;
            k1 += Weyl1;
        }
        return (c0, c1, c2, c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly (uint W0, uint W1, uint W2, uint W3) Block(ulong block) => Philox(
        (uint)block, (uint)(block >> 32), (uint)_index, (uint)(_index >> 32), (uint)_key, (uint)(_key >> 32));
}
