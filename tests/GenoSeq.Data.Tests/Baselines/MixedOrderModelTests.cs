using System.Text;

namespace GenoSeq.Data.Tests.Baselines;

public class MixedOrderModelTests
{
    // Few and small tables.
    private static readonly MixedOrderOptions s_small = new() { Orders = [1, 2, 4, 8, 11, 12, 16, 24], MemoryBytes = 64 << 20 };

    [Fact]
    public void Distribution_Always_SumsToOne_AndNothingIsImpossible()
    {
        var model = new MixedOrderModel(s_small, 4000);
        byte[] bases = [.. Random(1, 500), .. "NNN"u8, .. new string('A', 600).Select(c => (byte)c), .. "acgtuN"u8, .. Random(2, 300)];
        Span<double> p = stackalloc double[4];
        foreach (byte b in bases)
        {
            model.Distribution(p);
            Assert.Equal(1, p[0] + p[1] + p[2] + p[3], 1e-12);
            foreach (double one in p)
            {
                Assert.InRange(one, 1e-6, 1);
            }
            double bits = model.Push(b);
            int code = BaseCode.Of(b);
            Assert.Equal(code == BaseCode.None ? double.NaN : -Math.Log2(p[code]), bits);
        }
    }

    [Fact]
    public void Push_LaterBaseChanged_EarlierPredictionsAreTheSameBits()
    {
        byte[] bases = [.. Random(3, 1500), .. Random(3, 1500)];
        const int Changed = 2000;
        byte[] other = [.. bases];
        other[Changed] = other[Changed] == 'A' ? (byte)'C' : (byte)'A';
        double[] first = Read(bases), again = Read(bases), second = Read(other);
        Assert.Equal(first, again);
        Assert.Equal(first[..Changed], second[..Changed]);
        Assert.NotEqual(first[Changed], second[Changed]);

        static double[] Read(byte[] bases)
        {
            var model = new MixedOrderModel(s_small, bases.Length);
            return [.. bases.Select(b => model.Push(b))];
        }
    }

    /// <summary>What comes again costs next to nothing, on either strand, with a substitution every 100 bases little.</summary>
    [Theory]
    [InlineData(false, false, 0.05)]
    [InlineData(true, false, 0.05)]
    [InlineData(false, true, 0.35)]
    [InlineData(true, true, 0.35)]
    public void Push_Repeat_IsNearlyFree(bool inverted, bool worn, double most)
    {
        byte[] unit = Random(5, 6000);
        byte[] copy = inverted ? [.. unit.Reverse().Select(b => (byte)"TGCA"["ACGT".IndexOf((char)b, StringComparison.Ordinal)])] : [.. unit];
        for (int i = 50; worn && i < copy.Length; i += 100)
        {
            copy[i] = copy[i] == 'A' ? (byte)'G' : (byte)'A';
        }

        var model = new MixedOrderModel(s_small, 14000);
        // Two copies before, so that the weights have seen one.
        foreach (byte b in (byte[])[.. unit, .. Random(6, 1000), .. copy, (byte)'N'])
        {
            model.Push(b);
        }
        double mean = copy.Skip(2000).Select(b => model.Push(b)).Skip(100).Average();
        Assert.InRange(mean, 0, most);

        var once = new MixedOrderModel(s_small, 14000);
        once.Fit(unit);
        Assert.InRange(copy.Select(b => once.Push(b)).Skip(2000).Average(), 0, 3 * most);
    }

    [Fact]
    public void OneStrand_InvertedRepeat_IsNoRepeat()
    {
        byte[] unit = Random(5, 6000);
        byte[] inverted = [.. unit.Reverse().Select(b => (byte)"TGCA"["ACGT".IndexOf((char)b, StringComparison.Ordinal)])];
        var model = new MixedOrderModel(s_small with { BothStrands = false }, 12000);
        model.Fit(unit);
        Assert.InRange(inverted.Select(b => model.Push(b)).Average(), 1.95, 2.3);
    }

    /// <summary>300,000 bases of a real genome: held-out ones cost less than by a chain of order 12, and when they are learnt from less than by one of any order.</summary>
    [Fact]
    public void Evaluate_RealGenome_BeatsMarkovChains()
    {
        using FastaGenome genome = FastaGenome.Load(Path.Combine(Repository.Root, "data", "helicobacter_pylori_g27.fa.gz"));
        GenomeInterval[] train = [new(0, 0, 280_000)], held = [new(0, 280_000, 300_000)];
        var markov = new MarkovModel(12);
        markov.Fit(genome, train);
        (double[] orders, long bases) = markov.EvaluateSteps(genome, held);
        var mixed = new MixedOrderModel(null, 300_000);
        mixed.Fit(genome, train);
        (double frozen, long scored) = mixed.Evaluate(genome, held);
        Assert.Equal(bases, scored);
        Assert.True(frozen < orders[12] - 0.005, $"mixed {frozen}, Markov chains {string.Join(" ", orders)}");
        Assert.Equal(frozen, mixed.Evaluate(genome, held, adaptive: false).BitsPerBase);

        // Base by base in a window, as a training run's table asks.
        var window = new byte[20_000];
        genome.Read(0, 280_000, window);
        var bits = new double[window.Length];
        mixed.Bits(window, bits);
        Assert.Equal(frozen, bits.Average(), 1e-12);

        double adaptive = mixed.Evaluate(genome, held, adaptive: true).BitsPerBase;
        Assert.True(adaptive < frozen && adaptive < orders.Min() - 0.001, $"{adaptive} learning on, {frozen} as trained, Markov chains {string.Join(" ", orders)}");
        Assert.True(mixed.Evaluate(genome, held).BitsPerBase < 0.3, "what was read is known");
    }

    [Fact]
    public void Evaluate_NothingOrNoBases_IsNaN()
    {
        var model = new MixedOrderModel(s_small, 0);
        model.Fit([]);
        using FastaGenome genome = Genomes.Parse(">a\nNNNN\n");
        Assert.Equal((double.NaN, 0L), model.Evaluate(genome, []));
        Assert.Equal((double.NaN, 0L), model.Evaluate(genome, [new GenomeInterval(0, 0, 4)]));
        Span<double> p = stackalloc double[4];
        model.Distribution(p);
        Assert.Equal([0.25, 0.25, 0.25, 0.25], p.ToArray());
    }

    /// <summary>Behind an N nothing of what came before is context.</summary>
    [Fact]
    public void Push_Break_BeginsAnew()
    {
        byte[] tail = Random(9, 60);
        var model = new MixedOrderModel(s_small, 5000);
        model.Fit(Random(8, 3000));
        double[] first = Bits([.. "ACGTTGCATTACG"u8, (byte)'N', .. tail]), second = Bits([.. "GGGTACCA"u8, (byte)'n', .. tail]);
        Assert.Equal(first[^60..], second[^60..]);
        Assert.True(double.IsNaN(first[^61]));

        double[] Bits(byte[] window)
        {
            var bits = new double[window.Length];
            model.Bits(window, bits);
            return bits;
        }
    }

    /// <summary>More bases than tables and history have room for: less is remembered, nothing breaks.</summary>
    [Fact]
    public void Push_MoreThanExpected_GoesOn()
    {
        var model = new MixedOrderModel(s_small with { MemoryBytes = 32 << 20 }, 100);
        byte[] unit = Random(7, 20_000);
        model.Fit(unit);
        Assert.InRange(unit.Select(b => model.Push(b)).Average(), 0, 2.2);
        Assert.InRange(model.MemoryBytes, 1, 32 << 20);
        Assert.InRange(new MixedOrderModel(null, 1_000_000).MemoryBytes, 1, 1 << 30);
    }

    [Fact]
    public void Constructor_BadOptions_SaysEach()
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() =>
            new MixedOrderModel(new MixedOrderOptions { Orders = [3, 2], RepeatLengths = [8], MemoryBytes = 1 }, 1));
        Assert.Contains("Orders are 3, 2", e.Message, StringComparison.Ordinal);
        Assert.Contains("RepeatLengths are 8", e.Message, StringComparison.Ordinal);
        Assert.Contains("32 MiB", e.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3, 4, 5], MixedOrderOptions.UpTo(5).Orders);
        Assert.Equal("mixed-16", new MixedOrderModel(MixedOrderOptions.UpTo(16), 10).Name);
        Assert.Equal("mixed", new MixedOrderModel(null, 10).Name);
    }

    private static byte[] Random(int seed, int length)
    {
        var random = new Random(seed);
        return Encoding.ASCII.GetBytes([.. Enumerable.Range(0, length).Select(_ => "ACGT"[random.Next(4)])]);
    }
}
