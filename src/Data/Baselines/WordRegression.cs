namespace GenoSeq.Data;

/// <summary>
/// Logistic regression of classes on the shares of words (k-mers): the baseline that a neural model of sequences has to beat.
/// </summary>
/// <remarks>
/// Multinomial, with a penalty on the squared weights of features that are divided by their standard deviation over the
/// training rows; offsets are free. The loss is convex, so the result depends on the rows alone and not on a seed.
/// </remarks>
public sealed class WordRegression
{
    private readonly WordFeatures _features;
    private readonly int _classes;
    private readonly double[] _scale;
    private readonly double[] _weights;

    private WordRegression(WordFeatures features, int classes, double[] scale, double[] weights, int iterations)
    {
        _features = features;
        _classes = classes;
        _scale = scale;
        _weights = weights;
        Iterations = iterations;
    }

    /// <summary>Steps that the minimiser took.</summary>
    public int Iterations { get; }

    /// <summary>Fits the training rows of a set with classes.</summary>
    /// <param name="set">The set; its validation and test rows are not looked at.</param>
    /// <param name="options">Settings; null: the defaults.</param>
    /// <exception cref="ArgumentException">The options are wrong, or the labels are no classes.</exception>
    /// <exception cref="InputDataException">There is nothing to learn: no training rows, or one class.</exception>
    public static WordRegression Fit(LabelledSet set, WordRegressionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(set);
        options ??= new WordRegressionOptions();
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        if (set.Kind != LabelKind.Class)
        {
            throw new ArgumentException($"the labels are of the kind {set.Kind}, and word regression is of classes", nameof(set));
        }
        LabelledChecks.RequireTrainable(set);
        var features = new WordFeatures(options.Words, options.BothStrands);
        IReadOnlyList<int> train = set.Rows(LabelledPart.Train);
        var rows = new (int[] Index, double[] Value)[train.Count];
        var classes = new int[train.Count];
        for (int i = 0; i < rows.Length; i++)
        {
            rows[i] = features.Of(set.GetSequence(train[i]));
            classes[i] = set.GetClass(train[i]);
        }
        double[] scale = Scale(features.Count, rows);
        foreach ((int[] index, double[] value) in rows)
        {
            Apply(scale, index, value);
        }
        int count = set.LabelNames.Count;
        var weights = new double[(features.Count + 1) * count];
        int iterations = Minimizer.Run(
            weights, (w, g) => Loss(rows, classes, features.Count, count, options.Penalty, w, g), options.MaxIterations, options.Tolerance);
        return new WordRegression(features, count, scale, weights, iterations);
    }

    /// <summary>Probabilities of the classes [classes] of a sequence. Not for several threads at a time.</summary>
    public double[] Predict(ReadOnlySpan<byte> sequence)
    {
        (int[] index, double[] value) = _features.Of(sequence);
        Apply(_scale, index, value);
        var p = new double[_classes];
        LogProbabilities(index, value, _features.Count, _weights, p);
        return Array.ConvertAll(p, Math.Exp);
    }

    /// <summary>Mean loss and penalty at <paramref name="w"/> [features + 1, classes]; the gradient goes to <paramref name="gradient"/>.</summary>
    internal static double Loss(
        (int[] Index, double[] Value)[] rows, int[] classes, int features, int count, double penalty, double[] w, double[] gradient)
    {
        Array.Clear(gradient);
        var p = new double[count];
        double loss = 0, share = 1.0 / rows.Length;
        for (int r = 0; r < rows.Length; r++)
        {
            (int[] index, double[] value) = rows[r];
            LogProbabilities(index, value, features, w, p);
            loss -= share * p[classes[r]];
            for (int c = 0; c < count; c++)
            {
                p[c] = share * (Math.Exp(p[c]) - (c == classes[r] ? 1 : 0));
                gradient[(features * count) + c] += p[c];
            }
            for (int i = 0; i < index.Length; i++)
            {
                int at = index[i] * count;
                for (int c = 0; c < count; c++)
                {
                    gradient[at + c] += value[i] * p[c];
                }
            }
        }
        for (int i = 0; i < features * count; i++)
        {
            loss += 0.5 * penalty * w[i] * w[i];
            gradient[i] += penalty * w[i];
        }
        return loss;
    }

    private static void LogProbabilities(int[] index, double[] value, int features, double[] w, double[] p)
    {
        int count = p.Length;
        w.AsSpan(features * count, count).CopyTo(p);
        for (int i = 0; i < index.Length; i++)
        {
            int at = index[i] * count;
            for (int c = 0; c < count; c++)
            {
                p[c] += value[i] * w[at + c];
            }
        }
        double largest = p.Max();
        double sum = p.Sum(x => Math.Exp(x - largest));
        double log = largest + Math.Log(sum);
        for (int c = 0; c < count; c++)
        {
            p[c] -= log;
        }
    }

    private static double[] Scale(int features, (int[] Index, double[] Value)[] rows)
    {
        var sum = new double[features];
        var squares = new double[features];
        foreach ((int[] index, double[] value) in rows)
        {
            for (int i = 0; i < index.Length; i++)
            {
                sum[index[i]] += value[i];
                squares[index[i]] += value[i] * value[i];
            }
        }
        var scale = new double[features];
        for (int f = 0; f < features; f++)
        {
            double mean = sum[f] / rows.Length;
            double variance = (squares[f] / rows.Length) - (mean * mean);
            // A word that never changes says nothing, and dividing by its deviation would say it loudly.
            scale[f] = variance > 1e-14 ? 1 / Math.Sqrt(variance) : 0;
        }
        return scale;
    }

    private static void Apply(double[] scale, int[] index, double[] value)
    {
        for (int i = 0; i < index.Length; i++)
        {
            value[i] *= scale[index[i]];
        }
    }
}
