namespace GenoSeq.Data;

/// <summary>
/// Turns ids into a masked-language-model example: each position is chosen with
/// <see cref="ObjectiveOptions.MaskProbability"/>, and a chosen one shows the mask, a random token or itself.
/// </summary>
/// <remarks>
/// Devlin et al., "BERT", NAACL 2019, with Caduceus's use of it (Schiff et al., ICML 2024) as the parity option. What
/// happens to a position is a function of the seed, the sample index and the position alone. Immutable and safe to
/// share.
/// </remarks>
public sealed class MlmCorruption
{
    private const double TwoTo32 = 4294967296.0;
    private const int WordsAtOnce = 256;

    private readonly Alphabet _alphabet;
    private readonly ReplaceWith _replaceWith;
    private readonly bool _parity;
    private readonly ulong _key;

    // Limits on 32-bit words; as 64-bit numbers, so that a probability of 1 is representable.
    private readonly ulong _chosenBelow;
    private readonly ulong _maskedBelow;
    private readonly ulong _randomBelow;

    /// <summary>Prepares the corruption.</summary>
    /// <exception cref="ArgumentException">The options are invalid.</exception>
    public MlmCorruption(Alphabet alphabet, ObjectiveOptions options)
    {
        ArgumentNullException.ThrowIfNull(alphabet);
        ArgumentNullException.ThrowIfNull(options);
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        _alphabet = alphabet;
        _replaceWith = options.ReplaceWith;
        _parity = options.ParityNToPad;
        _key = CounterRandom.Key(options.Seed, "mlm");
        _chosenBelow = (ulong)Math.Round(options.MaskProbability * TwoTo32);
        _maskedBelow = (ulong)Math.Round(options.MaskedShare * TwoTo32);
        _randomBelow = Math.Max(_maskedBelow,
            (ulong)Math.Round(Math.Min(options.MaskedShare + options.RandomShare, 1) * TwoTo32));
        Rule = new MlmRule(alphabet, _replaceWith, _parity, _chosenBelow, _maskedBelow, _randomBelow);
    }

    /// <summary>The decisions as limits on a position's word.</summary>
    internal MlmRule Rule { get; }

    /// <summary>The words of a sample, one for each position of it.</summary>
    internal CounterRandom Words(long sampleIndex) => new(_key, sampleIndex);

    /// <summary>Corrupts one sequence.</summary>
    /// <param name="ids">[length] true ids.</param>
    /// <param name="inputs">[length] receives what the model sees; may be the same memory as
    /// <paramref name="ids"/>.</param>
    /// <param name="labels">[length] receives the true id at chosen targets, <see cref="Labels.Ignored"/>
    /// elsewhere.</param>
    /// <param name="sampleIndex">Global index of the sample.</param>
    public void Apply(ReadOnlySpan<int> ids, Span<int> inputs, Span<int> labels, long sampleIndex)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inputs.Length, ids.Length, nameof(inputs));
        ArgumentOutOfRangeException.ThrowIfLessThan(labels.Length, ids.Length, nameof(labels));
        var random = new CounterRandom(_key, sampleIndex);
        inputs = inputs[..ids.Length];
        labels = labels[..ids.Length];
        if (_parity)
        {
            ids.Replace(inputs, _alphabet.NId, _alphabet.PadId);
        }
        else
        {
            ids.CopyTo(inputs);
        }
        labels.Fill(Labels.Ignored);
        Span<uint> words = stackalloc uint[WordsAtOnce];
        for (int done = 0; done < inputs.Length; done += WordsAtOnce)
        {
            int count = Math.Min(WordsAtOnce, inputs.Length - done);
            random.Fill(words[..count], (ulong)done);
            for (int j = 0; j < count; j++)
            {
                if (words[j] < _chosenBelow)
                {
                    int t = done + j;
                    int id = inputs[t];
                    bool target = _alphabet.IsTarget(id);
                    labels[t] = target ? id : Labels.Ignored;
                    if (target || _parity)
                    {
                        inputs[t] = Corrupt(id, words[j]);
                    }
                }
            }
        }
    }

    /// <summary>What is shown for a chosen position.</summary>
    internal int Corrupt(int id, uint word)
    {
        // Among the chosen the word is uniform below the limit; stretched to 32 bits again, it decides what is shown.
        ulong action = ((ulong)word << 32) / _chosenBelow;
        if (action < _maskedBelow)
        {
            return _alphabet.MaskId;
        }
        if (action < _randomBelow)
        {
            ReadOnlySpan<int> replacements = _alphabet.RandomReplacementIds(_replaceWith, id);
            // Within its range the word is uniform again, so it also picks the replacement.
            ulong range = _randomBelow - _maskedBelow;
            return replacements[(int)((action - _maskedBelow) * (ulong)replacements.Length / range)];
        }
        return id;
    }
}
