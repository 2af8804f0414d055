using System.Text;

namespace GenoSeq.Data.Tests;

public class CountModelTests
{
    private static readonly FastaGenome s_genome = Genomes.RandomOf("AAACGTTN", 3, 4000, 900);

    public static TheoryData<int, bool> Cases
    {
        get
        {
            var data = new TheoryData<int, bool>();
            foreach (int size in (int[])[0, 1, 2, 3])
            {
                data.Add(size, true);
                data.Add(size, false);
            }
            return data;
        }
    }

    /// <summary>Counts by string search: how often a word occurs, on one strand or both.</summary>
    private static long Occurrences(string word, bool both)
    {
        long count = 0;
        for (int c = 0; c < s_genome.Contigs.Count; c++)
        {
            string text = Genomes.Text(s_genome, c);
            byte[] reverse = Encoding.ASCII.GetBytes(text);
            DnaComplement.ReverseComplementInPlace(reverse);
            foreach (string strand in both ? (string[])[text, Encoding.ASCII.GetString(reverse)] : [text])
            {
                for (int at = 0; (at = strand.IndexOf(word, at, StringComparison.Ordinal)) >= 0; at++)
                {
                    count++;
                }
            }
        }
        return count;
    }

    /// <summary>
    /// The documented recursion over explicit words; the shorter tables are marginals of the longest.
    /// </summary>
    private static double Probability(Func<int, string, char, double> count, int longest, Func<int, string> context,
        char b, double alpha)
    {
        double p = 0.25;
        for (int j = 0; j <= longest; j++)
        {
            double total = "ACGT".Sum(x => count(j, context(j), x));
            p = (count(j, context(j), b) + alpha * p) / (total + alpha);
        }
        return p;
    }

    private static string Around(string window, int position, int flank) =>
        window[(position - flank)..position] + window[(position + 1)..(position + 1 + flank)];

    private static IEnumerable<string> Words(int length) =>
        length == 0 ? [""] : Words(length - 1).SelectMany(w => "ACGT".Select(c => w + c));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Markov_Distribution_EqualsTheFormulaOverCountedWords(int order, bool both)
    {
        var model = new MarkovModel(order, new CountModelOptions { Alpha = 2.5, BothStrands = both });
        model.Fit(s_genome, s_genome.WholeContigs());
        var counts = Words(order + 1).ToDictionary(w => w, w => (double)Occurrences(w, both));
        Assert.Equal(counts.Values.Sum(), model.WordsCounted);
        double Count(int j, string context, char b) => Words(order - j).Sum(outer => counts[outer + context + b]);
        const string window = "ACGTTACG";
        var p = new double[4];
        for (int position = 0; position < window.Length; position++)
        {
            model.Distribution(Encoding.ASCII.GetBytes(window), position, p);
            Assert.Equal(1, p.Sum(), 12);
            int usable = Math.Min(order, position);
            for (int b = 0; b < 4; b++)
            {
                Assert.Equal(Probability(Count, usable, j => window.Substring(position - j, j), "ACGT"[b], 2.5), p[b],
                    12);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Flank_Distribution_EqualsTheFormulaOverCountedWords(int flank, bool both)
    {
        if (flank == 3)
        {
            flank = 2; // 4^7 words by string search take too long; two flanks are the general case
        }
        var model = new FlankCountModel(flank, new CountModelOptions { Alpha = 0.5, BothStrands = both });
        model.Fit(s_genome, s_genome.WholeContigs());
        var counts = Words(2 * flank + 1).ToDictionary(w => w, w => (double)Occurrences(w, both));
        Assert.Equal(counts.Values.Sum(), model.WordsCounted);
        double Count(int j, string context, char b) => Words(flank - j).Sum(
            left => Words(flank - j).Sum(right => counts[left + context[..j] + b + context[j..] + right]));
        const string window = "ACGTTACGA";
        var p = new double[4];
        for (int position = 0; position < window.Length; position++)
        {
            model.Distribution(Encoding.ASCII.GetBytes(window), position, p);
            Assert.Equal(1, p.Sum(), 12);
            int usable = Math.Min(flank, Math.Min(position, window.Length - 1 - position));
            for (int b = 0; b < 4; b++)
            {
                double expected = Probability(
                    Count, usable, j => Around(window, position, j), "ACGT"[b], 0.5);
                Assert.Equal(expected, p[b], 12);
            }
        }
    }

    [Fact]
    public void Bits_Unfitted_IsTwoPerBase()
    {
        Assert.Equal(2, new MarkovModel(4).Bits("ACGTACGT"u8, 5), 12);
        Assert.Equal(2, new FlankCountModel(2).Bits("ACGTACGT"u8, 5), 12);
    }

    [Fact]
    public void Bits_NonBases_GiveNaNOrShortenTheContext()
    {
        var model = new MarkovModel(3);
        model.Fit(s_genome, s_genome.WholeContigs());
        Assert.True(double.IsNaN(model.Bits("ACNT"u8, 2)));
        Assert.Equal(model.Bits("GT"u8, 1), model.Bits("AANGT"u8, 4));
        Assert.Equal(model.Bits("ACGT"u8, 3), model.Bits("acgu"u8, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Bits("ACGT"u8, 4));
        var flank = new FlankCountModel(3);
        flank.Fit(s_genome, s_genome.WholeContigs());
        Assert.Equal(flank.Bits("CGT"u8, 1), flank.Bits("AACGTNA"u8, 3));
    }

    [Fact]
    public void Fit_SequenceAndGenomeInPieces_CountAlike()
    {
        var whole = new MarkovModel(2);
        whole.Fit(s_genome, s_genome.WholeContigs());
        var pieces = new MarkovModel(2);
        pieces.Fit(s_genome.Bases(0).Span);
        pieces.Fit(s_genome, [new GenomeInterval(1, 0, 900)]);
        Assert.Equal(whole.WordsCounted, pieces.WordsCounted);
        Assert.Equal(whole.Evaluate(s_genome, s_genome.WholeContigs()),
            pieces.Evaluate(s_genome, s_genome.WholeContigs()));
    }

    [Fact]
    public void Evaluate_Interval_IsTheMeanOfBitsWithinIt()
    {
        using FastaGenome genome = FastaGenome.Load(Path.Combine(Path.Combine(Repository.Root, "data"), "vibrio_cholerae_n16961.fa.gz"));
        var model = new FlankCountModel(3);
        model.Fit(genome, [new GenomeInterval(0, 0, 1_000_000)]);
        // Longer than one block, so its seams are tested too.
        var interval = new GenomeInterval(0, 900_000, 2_100_001);
        var bases = new byte[interval.Length];
        genome.Read(0, interval.Start, bases);
        double sum = 0;
        long scored = 0;
        for (int i = 0; i < bases.Length; i++)
        {
            double bits = model.Bits(bases, i);
            sum += double.IsNaN(bits) ? 0 : bits;
            scored += double.IsNaN(bits) ? 0 : 1;
        }
        (double bitsPerBase, long count) = model.Evaluate(genome, [interval]);
        Assert.Equal(scored, count);
        Assert.Equal(sum / scored, bitsPerBase, 10);
    }

    [Fact]
    public void Evaluate_HeldOutEcoli_LongerContextsHelp()
    {
        using FastaGenome genome = FastaGenome.Load(Path.Combine(Path.Combine(Repository.Root, "data"), "ecoli_k12_mg1655.fa.gz"));
        GenomeSplit split = GenomeSplit.Create(genome, new SplitOptions { ValidationFraction = 0.05 });
        double[] markov = [.. new[] { 0, 2, 5, 8 }.Select(order => HeldOut(new MarkovModel(order)))];
        double[] flank = [.. new[] { 1, 3, 5 }.Select(k => HeldOut(new FlankCountModel(k)))];
        Assert.InRange(markov[0], 1.99, 2.0);
        Assert.True(markov[0] > markov[1] && markov[1] > markov[2] && markov[2] > markov[3], string.Join(" ", markov));
        Assert.True(markov[1] > flank[0] && flank[0] > flank[1] && flank[1] > flank[2], string.Join(" ", flank));
        Assert.InRange(flank[2], 1.84, 1.86);

        double HeldOut(CountModel model)
        {
            model.Fit(genome, split.Train);
            return model.Evaluate(genome, split.Validation).BitsPerBase;
        }
    }

    [Fact]
    public void Constructor_BadArguments_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new MarkovModel(13));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MarkovModel(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new FlankCountModel(7));
        Assert.Throws<ArgumentException>(() => new MarkovModel(1, new CountModelOptions { Alpha = 0 }));
    }

    [Fact]
    public void Distribution_AfterFitOnBothStrands_IsStrandSymmetric()
    {
        var model = new FlankCountModel(2);
        model.Fit(s_genome, s_genome.WholeContigs());
        var forward = new double[4];
        var reverse = new double[4];
        model.Distribution("ACTGG"u8, 2, forward);
        model.Distribution("CCAGT"u8, 2, reverse);
        Assert.Equal(forward.Reverse(), reverse);
    }
}
