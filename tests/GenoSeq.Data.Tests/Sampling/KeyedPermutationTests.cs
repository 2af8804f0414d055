namespace GenoSeq.Data.Tests;

public class KeyedPermutationTests
{
    [Fact]
    public void Indexer_EveryCountTo2000_IsABijection()
    {
        for (int count = 1; count <= 2000; count++)
        {
            var permutation = new KeyedPermutation(count, CounterRandom.Key(count, "test"));
            var seen = new bool[count];
            for (int i = 0; i < count; i++)
            {
                long x = permutation[i];
                Assert.False(seen[x], $"count {count}: {x} comes twice");
                seen[x] = true;
            }
        }
    }

    [Theory]
    [InlineData(1L << 40)]
    [InlineData((1L << 52) + 12345)]
    [InlineData(long.MaxValue)]
    public void Indexer_HugeCount_StaysInRangeWithoutRepeats(long count)
    {
        var permutation = new KeyedPermutation(count, 99);
        var seen = new HashSet<long>();
        for (int i = 0; i < 20_000; i++)
        {
            long x = permutation[i * (count / 20_000)];
            Assert.InRange(x, 0, count - 1);
            Assert.True(seen.Add(x));
        }
    }

    [Fact]
    public void Indexer_OtherKey_IsAnotherOrder()
    {
        var a = new KeyedPermutation(1000, 1);
        var b = new KeyedPermutation(1000, 2);
        int same = Enumerable.Range(0, 1000).Count(i => a[i] == b[i]);
        Assert.InRange(same, 0, 10);
    }

    [Fact]
    public void Indexer_Order_LooksRandom()
    {
        // Chi-square of where the first tenth of the places lands, in ten bins, averaged over keys: 9 is expected.
        double total = 0;
        const int keys = 200;
        for (int key = 0; key < keys; key++)
        {
            var permutation = new KeyedPermutation(1000, CounterRandom.Mix((ulong)key));
            var bins = new int[10];
            for (int i = 0; i < 100; i++)
            {
                bins[permutation[i] / 100]++;
            }
            total += bins.Sum(b => Math.Pow(b - 10, 2) / 10);
        }
        // Drawing without replacement shrinks the expectation by the factor 900/999.
        Assert.InRange(total / keys, 7.0, 9.3);
    }

    [Fact]
    public void Indexer_OutOfRange_Throws()
    {
        var permutation = new KeyedPermutation(5, 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => permutation[5]);
        Assert.Throws<ArgumentOutOfRangeException>(() => permutation[-1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => new KeyedPermutation(0, 0));
    }

    [Fact]
    public void Indexer_LargeAndOddCounts_AreWhatDivisionGives()
    {
        // The network again, with the processor's division: orders must not change, or old runs could not be continued.
        var random = new Random(3);
        foreach (long count in (long[])[1, 2, 3, 64, 4096, 1_000_000_007, 1L << 40, (1L << 62) + 12345, long.MaxValue])
        {
            ulong key = (ulong)random.NextInt64();
            KeyedPermutation permutation = new KeyedPermutation(count, 5).WithKey(key);
            ulong a = Math.Max(1, (ulong)Math.Sqrt(count));
            ulong b = ((ulong)count + a - 1) / a;
            for (int i = 0; i < 2000; i++)
            {
                long index = random.NextInt64(count);
                ulong x = (ulong)index;
                do
                {
                    ulong left = x / b;
                    ulong right = x % b;
                    for (uint round = 0; round < 8; round += 2)
                    {
                        left = (left + Noise(right, round) % a) % a;
                        right = (right + Noise(left, round + 1) % b) % b;
                    }
                    x = left * b + right;
                }
                while (x >= (ulong)count);
                Assert.Equal((long)x, permutation[index]);
            }

            ulong Noise(ulong half, uint round) =>
                CounterRandom.Mix(CounterRandom.Mix(half ^ key) + ((ulong)round << 56) + (key >> 7));
        }
    }
}
