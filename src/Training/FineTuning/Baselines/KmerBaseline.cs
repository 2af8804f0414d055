namespace GenoSeq.Training.FineTuning.Baselines;

/// <summary>One candidate that the validation part judged.</summary>
/// <param name="K">Longest word.</param>
/// <param name="Strength">L2 strength.</param>
/// <param name="ValidationLogLoss">Mean log loss in nats on the validation part.</param>
/// <param name="Iterations">Iterations of L-BFGS.</param>
public sealed record KmerTrial(int K, double Strength, double ValidationLogLoss, int Iterations);

/// <summary>
/// An honest baseline: L2-regularised multinomial logistic regression on k-mer frequencies, in double precision. The validation
/// part chooses k and the strength by log loss; nothing is random, so the same data give the same numbers.
/// </summary>
public sealed class KmerBaseline
{
    private readonly KmerWords _words;
    private readonly SoftmaxRegression _model;
    private readonly double[] _parameters;

    private KmerBaseline(int classes, KmerWords words, SoftmaxRegression model, double[] parameters, KmerTrial chosen, IReadOnlyList<KmerTrial> trials)
    {
        Classes = classes;
        _words = words;
        _model = model;
        _parameters = parameters;
        Chosen = chosen;
        Trials = trials;
    }

    /// <summary>Number of classes.</summary>
    public int Classes { get; }

    /// <summary>Number of fitted values: weights and biases.</summary>
    public int Parameters => _parameters.Length;

    /// <summary>The candidate with the smallest validation loss; of equal ones the first.</summary>
    public KmerTrial Chosen { get; }

    /// <summary>The candidates that were fitted, in order: for each k from the strongest on, until the validation loss rises.</summary>
    public IReadOnlyList<KmerTrial> Trials { get; }

    /// <summary>Fits candidates on the training part and keeps the one that the validation part prefers.</summary>
    /// <param name="classes">Number of classes, at least 2.</param>
    /// <param name="sequences">Training sequences, ASCII in any case; letters but A, C, G, T, U break words.</param>
    /// <param name="labels">Their classes, 0 to classes − 1.</param>
    /// <param name="validationSequences">Validation sequences.</param>
    /// <param name="validationLabels">Their classes.</param>
    /// <param name="options">What to choose from; null: the defaults.</param>
    /// <param name="stop">Ends the fitting between two candidates.</param>
    /// <exception cref="ArgumentException">Options are invalid, a label is out of range, a part is empty, or all training labels are
    /// one class.</exception>
    public static KmerBaseline Fit(int classes, IReadOnlyList<ReadOnlyMemory<byte>> sequences, int[] labels,
        IReadOnlyList<ReadOnlyMemory<byte>> validationSequences, int[] validationLabels,
        KmerBaselineOptions? options = null, CancellationToken stop = default)
    {
        options ??= new KmerBaselineOptions();
        if (options.Validate() is [string problem, ..])
        {
            throw new ArgumentException(problem, nameof(options));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        Check("training", classes, sequences, labels);
        Check("validation", classes, validationSequences, validationLabels);
        if (labels.All(l => l == labels[0]))
        {
            throw new ArgumentException($"all training labels are {labels[0]}; expected two classes or more", nameof(labels));
        }

        var words = new KmerWords(options.Ks.Max(), options.BothStrands);
        var training = new KmerCounts(words, sequences);
        var validation = new KmerCounts(words, validationSequences);
        var trials = new List<KmerTrial>();
        (KmerTrial Trial, SoftmaxRegression Model, double[] Parameters)? best = null;
        foreach (int k in options.Ks)
        {
            var model = new SoftmaxRegression(classes, k, training);
            double[] parameters = new double[model.Parameters];
            double[] unused = new double[model.Parameters];
            double before = double.PositiveInfinity;
            // From the strongest on, each fit begins where the one before ended. Behind the first that is worse come those that
            // follow the training part more closely still, and take longest.
            foreach (double strength in options.Strengths.OrderDescending())
            {
                stop.ThrowIfCancellationRequested();
                int iterations = new Lbfgs((x, g) => model.Loss(training, labels, strength, x, g))
                    .Minimize(parameters, options.MaxIterations, options.Tolerance);
                double loss = model.Loss(validation, validationLabels, 0, parameters, unused);
                var trial = new KmerTrial(k, strength, loss, iterations);
                trials.Add(trial);
                if (best is null || loss < best.Value.Trial.ValidationLogLoss)
                {
                    best = (trial, model, [.. parameters]);
                }

                if (loss > before)
                {
                    break;
                }

                before = loss;
            }
        }

        return new KmerBaseline(classes, words, best!.Value.Model, best.Value.Parameters, best.Value.Trial, trials);
    }

    /// <summary>Class probabilities [sequences, classes], row by row.</summary>
    public double[] Predict(IReadOnlyList<ReadOnlyMemory<byte>> sequences)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        return _model.Predict(new KmerCounts(_words, sequences), _parameters);
    }

    private static void Check(string part, int classes, IReadOnlyList<ReadOnlyMemory<byte>> sequences, int[] labels)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        ArgumentNullException.ThrowIfNull(labels);
        if (sequences.Count == 0 || sequences.Count != labels.Length)
        {
            throw new ArgumentException(
                $"the {part} part has {sequences.Count} sequences and {labels.Length} labels; expected one or more, and as many of both");
        }

        int bad = Array.FindIndex(labels, l => l < 0 || l >= classes);
        if (bad >= 0)
        {
            throw new ArgumentException($"label {bad} of the {part} part is {labels[bad]}; expected 0 to {classes - 1}");
        }
    }
}
