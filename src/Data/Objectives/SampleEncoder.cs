namespace GenoSeq.Data;

/// <summary>
/// Makes one row of a batch: window, strand, bytes, ids, corruption. Shared by threads; each brings its own scratch.
/// </summary>
/// <remarks>
/// A row is made in one pass of blocks that stay in the first-level cache: bytes are looked up (read backwards through
/// the complement's table for the opposite strand), random words drawn, inputs and labels written. The definition is
/// that of <see cref="Alphabet.Encode(ReadOnlySpan{byte}, Span{int})"/>, <see cref="MlmCorruption"/> and
/// <see cref="CausalTargets"/> on the whole window, and gives the same numbers.
/// </remarks>
internal sealed class SampleEncoder : IRowEncoder<SampleEncoder.Scratch>
{
    /// <summary>Positions in a block; a multiple of four, so that blocks begin on a block of random words.</summary>
    internal const int BlockSize = 1024;

    private readonly GenomeSource _genome;
    private readonly IWindowSampler _sampler;
    private readonly MlmCorruption? _mlm;
    private readonly ulong _strandKey;

    internal SampleEncoder(GenomeSource genome, IWindowSampler sampler, Alphabet alphabet, ObjectiveOptions options)
    {
        _genome = genome;
        _sampler = sampler;
        Alphabet = alphabet;
        Options = options;
        _mlm = options.Kind == ObjectiveKind.Mlm ? new MlmCorruption(alphabet, options) : null;
        _strandKey = CounterRandom.Key(options.Seed, "strand");
    }

    internal Alphabet Alphabet { get; }

    internal ObjectiveOptions Options { get; }

    internal int Length => _sampler.Length;

    internal bool Packs => _sampler.Packs;

    internal SampleEncoder WithSeed(long seed) => new(_genome, _sampler, Alphabet, Options with { Seed = seed });

    /// <summary>Buffers of one thread.</summary>
    internal sealed class Scratch(int length)
    {
        /// <summary>One base longer than a window, for the causal label of its last position.</summary>
        internal byte[] Bases { get; } = new byte[length + 1];

        internal byte[] Ids { get; } = new byte[BlockSize + 1];

        internal byte[] Targets { get; } = new byte[BlockSize + 1];

        internal uint[] Words { get; } = new uint[BlockSize];
    }

    public Scratch CreateScratch() => new(Length);

    public void Encode(Batch batch, int row, Scratch scratch)
    {
        long sample = batch.Samples.First + row;
        SampleWindow window = _sampler.At(sample);
        bool flip = new CounterRandom(_strandKey, sample).NextDouble() < Options.ReverseComplementProbability;
        int before = window.PadLeft;
        int length = window.Length;
        if (before < 0 || length < 0 || before + (long)length > Length)
        {
            throw new InvalidOperationException(
                $"sample {sample} has {before} positions of padding and {length} bases, more than a row's {Length}");
        }

        int offset = row * Length;
        Span<int> inputs = batch.Inputs.AsSpan(offset, Length);
        Span<int> labels = batch.Labels.AsSpan(offset, Length);
        inputs[..before].Fill(Alphabet.PadId);
        labels[..before].Fill(Labels.Ignored);
        inputs[(before + length)..].Fill(Alphabet.PadId);
        labels[(before + length)..].Fill(Labels.Ignored);
        Span<int> shown = inputs.Slice(before, length);
        Span<int> wanted = labels.Slice(before, length);
        ReadOnlySpan<byte> bases = window.Pack < 0
            ? ReadBases(window, flip, scratch.Bases)
            : ReadPack(_sampler.PackSegments(window.Pack), length, scratch.Bases);
        int targets = EncodeBases(bases, flip, sample, shown, wanted, scratch);
        if (window.TargetStart > 0)
        {
            // Seen from the other strand, the positions already counted are the last ones.
            targets -= Ignore(flip ? wanted[(length - window.TargetStart)..] : wanted[..window.TargetStart]);
        }
        if (batch.SequenceIds is not null)
        {
            Span<int> ids = batch.SequenceIds.AsSpan(offset, Length);
            targets -= Separate(window, flip, ids, wanted);
        }
        batch.Windows[row] = window;
        batch.Flipped[row] = flip;
        batch.TargetCounts[row] = targets;
        if (batch.Weights is not null)
        {
            Span<float> weights = batch.Weights.AsSpan(offset, Length);
            weights.Clear();
            Weigh(bases, flip, wanted, weights.Slice(before, length));
        }
    }

    // The bases as they stand in the genome; with the base that follows in reading direction, for a causal label. It must
    // not come from another split's interval.
    private ReadOnlySpan<byte> ReadBases(in SampleWindow window, bool flip, byte[] buffer)
    {
        long start = window.Start;
        int length = window.Length;
        if (_mlm is null)
        {
            bool oneMore = flip ? window.HasPrevious : window.HasNext;
            start -= flip && oneMore ? 1 : 0;
            length += oneMore ? 1 : 0;
        }
        Span<byte> bases = buffer.AsSpan(0, length);
        _genome.Read(window.Contig, start, bases);
        return bases;
    }

    private ReadOnlySpan<byte> ReadPack(ReadOnlySpan<GenomeInterval> segments, int length, byte[] buffer)
    {
        int done = 0;
        foreach (GenomeInterval segment in segments)
        {
            if (segment.Length > length - done)
            {
                throw new InvalidOperationException($"the segments of a pack hold more than its {length} bases");
            }
            _genome.Read(segment.Contig, segment.Start, buffer.AsSpan(done, (int)segment.Length));
            done += (int)segment.Length;
        }
        if (done != length)
        {
            throw new InvalidOperationException($"the segments of a pack hold {done} bases, not {length}");
        }
        return buffer.AsSpan(0, length);
    }

    private int EncodeBases(ReadOnlySpan<byte> bases, bool flip, long sample, Span<int> inputs, Span<int> labels, Scratch scratch)
    {
        ByteTable ids = flip ? Alphabet.OppositeIds : Alphabet.Ids;
        ByteTable targets = flip ? Alphabet.OppositeTargets : Alphabet.Targets;
        CounterRandom random = _mlm?.Words(sample) ?? default;
        int counted = 0;
        for (int done = 0; done < inputs.Length; done += BlockSize)
        {
            int count = Math.Min(BlockSize, inputs.Length - done);
            // A causal block needs the id behind it for its last label.
            int read = Math.Min(count + (_mlm is null ? 1 : 0), bases.Length - done);
            ReadOnlySpan<byte> block = bases.Slice(flip ? bases.Length - done - read : done, read);
            ids.Map(block, scratch.Ids, flip);
            targets.Map(block, scratch.Targets, flip);
            if (_mlm is not null)
            {
                Span<uint> words = scratch.Words.AsSpan(0, count);
                random.Fill(words, (ulong)done);
                counted += RowKernels.Mlm(_mlm, scratch.Ids, scratch.Targets, words, inputs.Slice(done, count), labels.Slice(done, count));
            }
            else
            {
                if (read == count)
                {
                    scratch.Targets[count] = 0;
                }
                counted += RowKernels.Causal(scratch.Ids, scratch.Targets, inputs.Slice(done, count), labels.Slice(done, count));
            }
        }
        return counted;
    }

    // Numbers the segments of a row in the order in which they stand; returns how many targets fell away at their ends.
    private int Separate(in SampleWindow window, bool flip, Span<int> ids, Span<int> labels)
    {
        ReadOnlySpan<GenomeInterval> segments = window.Pack < 0 ? [window.Interval] : _sampler.PackSegments(window.Pack);
        ids.Fill(segments.Length);
        Span<int> own = ids.Slice(window.PadLeft, window.Length);
        int done = 0;
        int lost = 0;
        for (int k = 0; k < segments.Length; k++)
        {
            int length = (int)segments[flip ? segments.Length - 1 - k : k].Length;
            own.Slice(done, length).Fill(k);
            done += length;
            if (_mlm is null && done > 0 && done < own.Length)
            {
                lost += Ignore(labels.Slice(done - 1, 1));
            }
        }
        return lost;
    }

    private static int Ignore(Span<int> labels)
    {
        int counted = labels.Length - labels.Count(Labels.Ignored);
        labels.Fill(Labels.Ignored);
        return counted;
    }

    private void Weigh(ReadOnlySpan<byte> bases, bool flip, ReadOnlySpan<int> labels, Span<float> weights)
    {
        // Case is looked up in the bytes, since an alphabet may drop it; a complement keeps it. A causal label is the
        // base after its position.
        int shift = _mlm is null ? 1 : 0;
        float soft = Options.SoftMaskWeight;
        for (int t = 0; t < labels.Length; t++)
        {
            int at = t + shift;
            weights[t] = labels[t] == Labels.Ignored ? 0
                : (bases[flip ? bases.Length - 1 - at : at] & 0x20) != 0 ? soft : 1;
        }
    }
}
