using GenoSeq.Data;

namespace GenoSeq.Training.FineTuning;

/// <summary>
/// Hides bases of training rows behind the mask token, others in each pass over them, so that a small set cannot be learnt by
/// heart: the corruption of masked language modelling (Devlin et al. 2019, without its replacements) as an augmentation.
/// </summary>
/// <param name="rate">Probability that a base is hidden.</param>
/// <param name="seed">Seed of the run.</param>
internal sealed class RowMasks(double rate, long seed)
{
    private readonly uint _below = (uint)Math.Min(uint.MaxValue, rate * 4294967296.0);
    private CounterRandom _random;

    /// <summary>Begins a pass over the rows.</summary>
    internal void Begin(int epoch) => _random = new CounterRandom(seed, "finetune masks", epoch);

    /// <summary>Hides some of a row's bases.</summary>
    internal void Over(Span<int> ids, Alphabet alphabet)
    {
        foreach (ref int id in ids)
        {
            id = _random.NextUInt32() < _below ? alphabet.MaskId : id;
        }
    }
}
