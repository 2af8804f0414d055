using System.Text;

namespace GenoSeq.Data.Tests.Synthetic;

/// <summary>Rows of genome windows with filler, in words, and with repeats.</summary>
public class GenomeRowsTests
{
    private static readonly FastaGenome s_genome = Genomes.RandomOf("ACGTACGTACGTacgtN", 21, 4000, 333, 70);

    private static WindowSampler Sampler(int length, bool shuffle = false, TailPolicy tail = TailPolicy.Short, FastaGenome? genome = null) =>
        new(genome ?? s_genome, (genome ?? s_genome).WholeContigs(), new WindowSamplerOptions { Length = length, Shuffle = shuffle, Tail = tail, MinAcgtFraction = 0 });

    private static Batch Filled(IBatchSource source, int first, int count)
    {
        Batch batch = source.CreateBatch(count);
        source.Fill(new SampleRange(first, count), batch);
        return batch;
    }

    private static string Text(WindowSampler sampler, long sample)
    {
        SampleWindow w = sampler.At(sample);
        var bases = new byte[w.Length + (w.HasNext ? 1 : 0)];
        s_genome.Read(w.Contig, w.Start, bases);
        return Encoding.ASCII.GetString(bases).ToUpperInvariant();
    }

    private static void SameWhateverTheThreads(IBatchSource source)
    {
        Batch one = Filled(source, 3, 9);
        IBatchSource fork = source.Fork(3);
        Batch many = Filled(fork, 3, 9);
        Assert.Equal(one.Inputs, many.Inputs);
        Assert.Equal(one.Labels, many.Labels);
        for (int i = 8; i >= 0; i--)
        {
            Batch single = Filled(fork, 3 + i, 1);
            Assert.True(one.Labels.AsSpan(i * source.Length, source.Length).SequenceEqual(single.Labels));
            Assert.Equal(single.Labels.Count(l => l != Labels.Ignored), one.TargetCounts[i]);
        }
        Assert.All(one.Flipped, Assert.False);
        Assert.All(one.Windows, w => Assert.Equal(default, w));
    }

    [Theory]
    [InlineData("caduceus", TailPolicy.Short)]
    [InlineData("bytes", TailPolicy.SlideBack)]
    public void OneTokenABase_IsOrdinaryCausalModelling(string name, TailPolicy tail)
    {
        Alphabet alphabet = Alphabet.Get(name);
        WindowSampler sampler = Sampler(50, tail: tail);
        var builder = new BatchBuilder(s_genome, sampler, alphabet, new ObjectiveOptions { Kind = ObjectiveKind.Causal, ReverseComplementProbability = 0 }, 1);
        Batch expected = Filled(builder, 0, 90);
        foreach (FillerSpacing spacing in Enum.GetValues<FillerSpacing>())
        {
            Batch filler = Filled(new FillerBatches(s_genome, sampler, alphabet, new FillerOptions { Spacing = spacing }, 1, 1), 0, 90);
            Assert.Equal(expected.Inputs, filler.Inputs);
            Assert.Equal(expected.Labels, filler.Labels);
            Assert.Equal(expected.TargetCounts, filler.TargetCounts);
        }
        if (alphabet == Alphabet.Caduceus)
        {
            var words = new KmerBatches(s_genome, sampler, new KmerOptions { K = 1 }, 1);
            Batch kmers = Filled(words, 0, 90);
            int Id(int id) => id == Labels.Ignored ? id : id == alphabet.PadId ? words.PadId : alphabet.IsTarget(id) ? "ACGT".IndexOf(alphabet.Tokens[id], StringComparison.Ordinal) : words.UnknownId;
            Assert.Equal(expected.Inputs.Select(Id), kmers.Inputs);
            Assert.Equal(expected.Labels.Select(Id), kmers.Labels);
        }
    }

    [Theory]
    [InlineData(2, FillerSpacing.Fixed)]
    [InlineData(8, FillerSpacing.Fixed)]
    [InlineData(2, FillerSpacing.Random)]
    [InlineData(4, FillerSpacing.Random)]
    public void Filler_HasTheSameBasesAndLabels(int factor, FillerSpacing spacing)
    {
        FastaGenome genome = Genomes.Random(5, 1000, 333);
        WindowSampler sampler = Sampler(50, genome: genome);
        var source = new FillerBatches(genome, sampler, Alphabet.Caduceus, new FillerOptions { Factor = factor, Spacing = spacing }, 3, 1);
        Assert.Equal(50 * factor, source.Length);
        Batch plain = Filled(new FillerBatches(genome, sampler, Alphabet.Caduceus, new FillerOptions(), 3, 1), 0, 20);
        Batch batch = Filled(source, 0, 20);
        Assert.Equal(plain.TargetCounts, batch.TargetCounts);
        var gaps = new List<int>();
        for (int row = 0; row < 20; row++)
        {
            int[] inputs = batch.Inputs[(row * source.Length)..((row + 1) * source.Length)];
            int[] labels = batch.Labels[(row * source.Length)..((row + 1) * source.Length)];
            int bases = plain.Inputs.AsSpan(row * 50, 50).ToArray().Count(Alphabet.Caduceus.IsTarget);
            int[] places = [.. Enumerable.Range(0, inputs.Length).Where(t => Alphabet.Caduceus.IsTarget(inputs[t]))];
            Assert.Equal(plain.Inputs.AsSpan(row * 50, bases).ToArray(), places.Select(t => inputs[t]));
            Assert.Equal(plain.Labels.AsSpan(row * 50, 50).ToArray().Where(l => l >= 0), labels.Where(l => l >= 0));
            Assert.All(Enumerable.Range(0, bases * factor), t => Assert.True(inputs[t] == Alphabet.Caduceus.NId || places.Contains(t)));
            Assert.All(Enumerable.Range(bases * factor, inputs.Length - bases * factor), t => Assert.Equal(Alphabet.Caduceus.PadId, inputs[t]));
            for (int t = 0; t + 1 < inputs.Length; t++)
            {
                Assert.Equal(Alphabet.Caduceus.IsTarget(inputs[t + 1]) ? inputs[t + 1] : Labels.Ignored, labels[t]);
            }
            Assert.Equal(0, places[0]);
            gaps.AddRange(places.Zip(places.Skip(1)).Select(p => p.Second - p.First));
        }
        Assert.Equal(spacing == FillerSpacing.Fixed, gaps.All(g => g == factor));
        Assert.InRange(gaps.Average(), factor * 0.97, factor * 1.03);
        SameWhateverTheThreads(source);
    }

    [Theory]
    [InlineData(3, false, 50)]
    [InlineData(3, true, 50)]
    [InlineData(6, false, 53)]
    [InlineData(6, true, 49)]
    public void Kmers_AreTheWordsOfTheWindow(int k, bool overlapping, int bases)
    {
        WindowSampler sampler = Sampler(bases, tail: TailPolicy.SlideBack);
        var source = new KmerBatches(s_genome, sampler, new KmerOptions { K = k, Overlapping = overlapping }, 1);
        int stride = overlapping ? 1 : k;
        Assert.Equal(stride, source.BasesPerToken);
        Assert.Equal(overlapping ? bases - k + 1 : bases / k, source.Length);
        Assert.True(source.VocabSize % 8 == 0 && source.VocabSize >= (1 << (2 * k)) + 2 && source.VocabSize < (1 << (2 * k)) + 10);
        Batch batch = Filled(source, 0, 80);
        for (int row = 0; row < 80; row++)
        {
            string text = Text(sampler, row);
            int seen = sampler.At(row).TargetStart;
            int? Word(int j)
            {
                if (j * stride + k > text.Length)
                {
                    return null;
                }
                string word = text.Substring(j * stride, k);
                return word.Contains('N', StringComparison.Ordinal)
                    ? source.UnknownId : word.Aggregate(0, (n, c) => n * 4 + "ACGT".IndexOf(c, StringComparison.Ordinal));
            }
            for (int t = 0; t < source.Length; t++)
            {
                Assert.Equal(Word(t) ?? source.PadId, batch.Inputs[row * source.Length + t]);
                bool known = Word(t + 1) is int next && next != source.UnknownId && (!overlapping || Word(t) != source.UnknownId);
                int firstNew = overlapping ? t + k : (t + 1) * k;
                Assert.Equal(known && firstNew > seen ? Word(t + 1)!.Value : Labels.Ignored, batch.Labels[row * source.Length + t]);
            }
        }
        SameWhateverTheThreads(source);
    }

    [Fact]
    public void Kmers_LabelEveryToken_WhenWindowsEndBeforeAWord()
    {
        FastaGenome genome = Genomes.Random(6, 1000);
        var source = new KmerBatches(genome, Sampler(6 * 11 - 1, genome: genome), new KmerOptions { K = 6 }, 1);
        Assert.Equal(10, source.Length);
        Assert.Equal(10, Filled(source, 0, 1).TargetCounts[0]);
    }

    [Theory]
    [InlineData(1, false, 0, false, 31, 20)]
    [InlineData(2, false, 0, false, 31, 20)]
    [InlineData(2, false, 0.2, false, 40, 130)]
    [InlineData(2, true, 0, false, 25, 0)]
    [InlineData(2, true, 0.1, true, 25, 60)]
    public void Repeats_AreOfTheirWindow_AndSpacersAreNot(int segment, bool reverse, double rate, bool control, int length, int spacer)
    {
        FastaGenome genome = Genomes.Random(8, 2000, 333, 70);
        WindowSampler sampler = Sampler(40, genome: genome);
        var options = new RepeatProbeOptions { RepeatLength = length, SpacerLength = spacer, Segment = segment, MutationRate = rate, ReverseComplement = reverse, Control = control };
        var source = new RepeatProbe(genome, sampler, Alphabet.Caduceus, options, 4, 1);
        Assert.Equal(2 * length + spacer, source.Length);
        Batch batch = Filled(source, 0, 60);
        string whole = string.Join('|', Enumerable.Range(0, 3).Select(c => Genomes.Text(genome, c)));
        int same = 0;
        for (int row = 0; row < 60; row++)
        {
            string text = Alphabet.Caduceus.Decode(batch.Inputs.AsSpan(row * source.Length, source.Length));
            string first = text[..length];
            string second = text[(length + spacer)..];
            SampleWindow window = sampler.At(row % sampler.WindowsPerEpoch(0));
            string own = Genomes.Text(genome, window.Contig).Substring((int)window.Start, window.Length);
            byte[] back = Encoding.ASCII.GetBytes(second);
            if (reverse)
            {
                DnaComplement.ReverseComplementInPlace(back);
            }
            string source2 = Encoding.ASCII.GetString(back);
            if (!control)
            {
                Assert.True(window.Length < length || own.Contains(first, StringComparison.Ordinal));
                Assert.True(whole.Contains(first, StringComparison.Ordinal));
                same += first.Zip(source2).Count(p => p.First == p.Second);
            }
            else if (rate == 0)
            {
                Assert.DoesNotContain(source2, text[..(length + spacer)], StringComparison.Ordinal);
            }
            Assert.True(window.Length < length || spacer < 20 || !own.Contains(text.Substring(length, 20), StringComparison.Ordinal));
            int start = segment == 1 ? 0 : length + spacer;
            for (int t = 0; t < source.Length; t++)
            {
                bool labelled = t >= start && t < start + length - 1;
                Assert.Equal(labelled ? batch.Inputs[row * source.Length + t + 1] : Labels.Ignored, batch.Labels[row * source.Length + t]);
            }
        }
        if (!control)
        {
            Assert.InRange(same / (60.0 * length), 1 - rate - 0.03, 1 - rate + (rate == 0 ? 0 : 0.03));
        }
        SameWhateverTheThreads(source);
    }

    [Fact]
    public void WrongSettings_AreRefusedByName()
    {
        Assert.StartsWith("factor: ", Assert.Single(new FillerOptions { Factor = 0 }.Validate()), StringComparison.Ordinal);
        Assert.StartsWith("spacing: ", Assert.Single(new FillerOptions { Spacing = (FillerSpacing)7 }.Validate()), StringComparison.Ordinal);
        Assert.StartsWith("k: ", Assert.Single(new KmerOptions { K = 9 }.Validate()), StringComparison.Ordinal);
        Assert.StartsWith("segment: ", Assert.Single(new RepeatProbeOptions { Segment = 0 }.Validate()), StringComparison.Ordinal);
        Assert.StartsWith("control: ", Assert.Single(new RepeatProbeOptions { Segment = 1, Control = true }.Validate()), StringComparison.Ordinal);
        Assert.StartsWith("mutation_rate: ", Assert.Single(new RepeatProbeOptions { MutationRate = double.NaN }.Validate()), StringComparison.Ordinal);
        Assert.StartsWith("repeat_length: ", Assert.Single(new RepeatProbeOptions { RepeatLength = 1 }.Validate()), StringComparison.Ordinal);
        Assert.StartsWith("spacer_length: ", Assert.Single(new RepeatProbeOptions { SpacerLength = -1 }.Validate()), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new FillerBatches(s_genome, Sampler(50), Alphabet.Caduceus, new FillerOptions { Factor = 0 }, 1));
        Assert.Throws<ArgumentException>(() => new KmerBatches(s_genome, Sampler(5), new KmerOptions { K = 6 }));
        Assert.Throws<ArgumentException>(() => new RepeatProbe(s_genome, Sampler(50), Alphabet.Caduceus, new RepeatProbeOptions { RepeatLength = 51 }, 1));
        FastaGenome small = Genomes.Random(1, 60);
        Assert.Throws<ArgumentException>(() => new RepeatProbe(small, Sampler(60, genome: small), Alphabet.Caduceus, new RepeatProbeOptions { RepeatLength = 20 }, 1));
        var packs = new WindowSampler(s_genome, s_genome.WholeContigs(), new WindowSamplerOptions { Length = 400, Pack = true });
        Assert.Throws<ArgumentException>(() => new GenomeBackground(s_genome, packs));
    }
}
