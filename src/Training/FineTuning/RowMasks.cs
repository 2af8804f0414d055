using GenoSeq.Data;

namespace GenoSeq.Training.FineTuning;

/// <summary>Bases of training rows that the model's own output projection is to predict.</summary>
internal enum BaseGuess
{
    /// <summary>None.</summary>
    None,

    /// <summary>Those that are hidden.</summary>
    Hidden,

    /// <summary>The next one, at every position but the last.</summary>
    Next,
}

/// <summary>
/// Hides bases of training rows behind the mask token, others in each pass over them, so that a small set cannot be learnt by
/// heart: the corruption of masked language modelling (Devlin et al. 2019, without its replacements) as an augmentation. On demand it also says
/// what was there, or what comes next.
/// </summary>
/// <param name="rate">Probability that a base is hidden.</param>
/// <param name="seed">Seed of the run.</param>
/// <param name="guess">What is to be predicted.</param>
/// <param name="stream">Name of the stream of random numbers.</param>
internal sealed class RowMasks(double rate, long seed, BaseGuess guess = BaseGuess.None, string stream = "finetune masks")
{
    private readonly uint _below = (uint)Math.Min(uint.MaxValue, rate * 4294967296.0);
    private CounterRandom _random;

    /// <summary>What a model of this kind predicts: causal ones the next base, others hidden ones.</summary>
    internal static BaseGuess GuessOf(Models.SequenceModel model) => model.IsCausal ? BaseGuess.Next : BaseGuess.Hidden;

    /// <summary>How many bases of some rows are to be predicted, as expected where chance decides; unknown ones (N) count, though nobody predicts them.</summary>
    internal double TargetsOf(IEnumerable<Example> rows) => guess switch
    {
        BaseGuess.Hidden => rate * rows.Sum(e => (double)e.Length),
        // The last one has none behind it; rows of one base alone have nothing to predict, and no share of it is asked for.
        BaseGuess.Next => Math.Max(1, rows.Sum(e => e.Length - 1.0)),
        _ => 0,
    };

    /// <summary>Begins a pass over the rows.</summary>
    internal void Begin(int epoch) => _random = new CounterRandom(seed, stream, epoch);

    /// <summary>Hides some of a row's bases.</summary>
    /// <param name="ids">The row's bases.</param>
    /// <param name="targets">Receives what is to be predicted at each of them, <see cref="Labels.Ignored"/> elsewhere; empty where nothing is.</param>
    /// <param name="alphabet">Ids of bases.</param>
    internal void Over(Span<int> ids, Span<int> targets, Alphabet alphabet)
    {
        if (guess == BaseGuess.Next)
        {
            for (int i = 0; i + 1 < ids.Length; i++)
            {
                targets[i] = TargetOf(ids[i + 1]);
            }
        }

        for (int i = 0; i < ids.Length; i++)
        {
            if (_random.NextUInt32() < _below)
            {
                if (guess == BaseGuess.Hidden)
                {
                    targets[i] = TargetOf(ids[i]);
                }

                ids[i] = alphabet.MaskId;
            }
        }

        int TargetOf(int id) => alphabet.IsTarget(id) ? id : Labels.Ignored;
    }
}
