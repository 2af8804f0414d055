namespace GenoSeq.Data;

/// <summary>
/// Makes one row of a batch: window, strand, bytes, ids, corruption. Shared by threads; each brings its own scratch.
/// </summary>
internal sealed class SampleEncoder
{
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

    /// <summary>
    /// Buffers of one thread; one base longer than a window, for the causal label of its last position.
    /// </summary>
    internal sealed class Scratch(int length)
    {
        internal byte[] Bases { get; } = new byte[length + 1];

        internal int[] Ids { get; } = new int[length + 1];
    }

    internal void Encode(Batch batch, int row, Scratch scratch)
    {
        long sample = batch.Samples.First + row;
        SampleWindow window = _sampler.At(sample);
        bool flip = new CounterRandom(_strandKey, sample).NextDouble() < Options.ReverseComplementProbability;
        int length = window.Length;
        Span<byte> bases = ReadBases(window, flip, scratch.Bases);
        Span<int> ids = scratch.Ids.AsSpan(0, bases.Length);
        Alphabet.Encode(bases, ids);

        int offset = row * Length;
        Span<int> inputs = batch.Inputs.AsSpan(offset, Length);
        Span<int> labels = batch.Labels.AsSpan(offset, Length);
        if (_mlm is not null)
        {
            _mlm.Apply(ids, inputs, labels, sample);
        }
        else
        {
            CausalTargets.Apply(Alphabet, ids, inputs[..length], labels[..length]);
        }
        inputs[length..].Fill(Alphabet.PadId);
        labels[length..].Fill(Labels.Ignored);
        if (window.TargetStart > 0)
        {
            // Seen from the other strand, the positions already counted are the last ones.
            Span<int> seen = flip ? labels[(length - window.TargetStart)..length] : labels[..window.TargetStart];
            seen.Fill(Labels.Ignored);
        }
        batch.Windows[row] = window;
        batch.Flipped[row] = flip;
        batch.TargetCounts[row] = Length - labels.Count(Labels.Ignored);
        if (batch.Weights is not null)
        {
            Weigh(bases, labels, batch.Weights.AsSpan(offset, Length));
        }
    }

    private Span<byte> ReadBases(SampleWindow window, bool flip, byte[] buffer)
    {
        long start = window.Start;
        int length = window.Length;
        if (Options.Kind == ObjectiveKind.Causal)
        {
            // The base that follows in reading direction is the last position's label; it must not come from another
            // split's interval.
            bool oneMore = flip ? window.HasPrevious : window.HasNext;
            start -= flip && oneMore ? 1 : 0;
            length += oneMore ? 1 : 0;
        }
        Span<byte> bases = buffer.AsSpan(0, length);
        _genome.Read(window.Contig, start, bases);
        if (flip)
        {
            DnaComplement.ReverseComplementInPlace(bases);
        }
        return bases;
    }

    private void Weigh(ReadOnlySpan<byte> bases, ReadOnlySpan<int> labels, Span<float> weights)
    {
        // Case is looked up in the bytes, since an alphabet may drop it. A causal label is the base after its position.
        int shift = _mlm is null ? 1 : 0;
        for (int t = 0; t < labels.Length; t++)
        {
            weights[t] = labels[t] == Labels.Ignored ? 0 : (bases[t + shift] & 0x20) != 0 ? Options.SoftMaskWeight : 1;
        }
    }
}
