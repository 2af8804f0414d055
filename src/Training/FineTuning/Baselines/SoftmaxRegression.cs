namespace GenoSeq.Training.FineTuning.Baselines;

/// <summary>
/// Multinomial logistic regression on standardised word counts. The rows stay sparse: centring and scaling are moved into the
/// weights.
/// </summary>
/// <remarks>Parameters: weights [features, classes], then biases [classes]. Biases are not regularised.</remarks>
internal sealed class SoftmaxRegression
{
    // A fixed number of partial gradients, added in order: the same sums with any number of threads.
    private const int Blocks = 8;

    private readonly int _classes;
    private readonly int _k;
    private readonly double[] _mean;
    private readonly double[] _inverseDeviation;

    /// <param name="classes">Number of classes.</param>
    /// <param name="k">Longest word.</param>
    /// <param name="training">Where mean and deviation of the features are from.</param>
    internal SoftmaxRegression(int classes, int k, KmerCounts training)
    {
        _classes = classes;
        _k = k;
        (_mean, double[] deviation) = training.Moments(k);
        _inverseDeviation = [.. deviation.Select(d => d > 0 ? 1 / d : 0)];
    }

    /// <summary>Number of parameters.</summary>
    internal int Parameters => (_mean.Length + 1) * _classes;

    /// <summary>Probabilities [rows, classes].</summary>
    internal double[] Predict(KmerCounts rows, double[] parameters)
    {
        double[] folded = Fold(parameters);
        double[] p = new double[rows.Rows * _classes];
        for (int row = 0; row < rows.Rows; row++)
        {
            Softmax(rows, row, folded, p.AsSpan(row * _classes, _classes), 0);
        }

        return p;
    }

    /// <summary>Mean log loss + strength / 2 · |weights|² and its gradient.</summary>
    internal double Loss(KmerCounts rows, int[] labels, double strength, double[] parameters, double[] gradient)
    {
        double[] folded = Fold(parameters);
        double[] losses = new double[Blocks];
        double[][] sums = new double[Blocks][];
        Parallel.For(0, Blocks, block =>
        {
            double[] sum = new double[Parameters];
            int end = (int)((long)rows.Rows * (block + 1) / Blocks);
            for (int row = (int)((long)rows.Rows * block / Blocks); row < end; row++)
            {
                losses[block] += Accumulate(rows, row, labels[row], folded, sum);
            }

            sums[block] = sum;
        });
        Array.Clear(gradient);
        foreach (double[] sum in sums)
        {
            for (int i = 0; i < gradient.Length; i++)
            {
                gradient[i] += sum[i] / rows.Rows;
            }
        }

        double penalty = 0;
        int bias = _mean.Length * _classes;
        for (int i = 0; i < bias; i++)
        {
            int feature = i / _classes;
            gradient[i] = ((gradient[i] - (_mean[feature] * gradient[bias + (i % _classes)])) * _inverseDeviation[feature])
                + (strength * parameters[i]);
            penalty += parameters[i] * parameters[i];
        }

        return (losses.Sum() / rows.Rows) + (strength / 2 * penalty);
    }

    // Weights for raw values: w / deviation, and b − Σ w · mean / deviation.
    private double[] Fold(double[] parameters)
    {
        double[] folded = [.. parameters];
        int bias = _mean.Length * _classes;
        for (int i = 0; i < bias; i++)
        {
            int feature = i / _classes;
            folded[i] *= _inverseDeviation[feature];
            folded[bias + (i % _classes)] -= folded[i] * _mean[feature];
        }

        return folded;
    }

    private double Accumulate(KmerCounts rows, int row, int label, double[] folded, double[] sum)
    {
        Span<double> residual = stackalloc double[_classes];
        double loss = -Softmax(rows, row, folded, residual, label);
        residual[label] -= 1;
        (ArraySegment<ushort> words, ArraySegment<float> counts, double scale) = rows.Row(row, _k);
        ReadOnlySpan<ushort> w = words;
        ReadOnlySpan<float> n = counts;
        for (int i = 0; i < w.Length; i++)
        {
            double value = n[i] * scale;
            Span<double> at = sum.AsSpan(w[i] * _classes, _classes);
            for (int c = 0; c < at.Length; c++)
            {
                at[c] += value * residual[c];
            }
        }

        Span<double> biases = sum.AsSpan(_mean.Length * _classes);
        for (int c = 0; c < biases.Length; c++)
        {
            biases[c] += residual[c];
        }

        return loss;
    }

    /// <summary>Writes one row's probabilities and returns the logarithm of one of them.</summary>
    private double Softmax(KmerCounts rows, int row, double[] folded, Span<double> p, int wanted)
    {
        (ArraySegment<ushort> words, ArraySegment<float> counts, double scale) = rows.Row(row, _k);
        ReadOnlySpan<ushort> w = words;
        ReadOnlySpan<float> n = counts;
        p.Clear();
        for (int i = 0; i < w.Length; i++)
        {
            ReadOnlySpan<double> at = folded.AsSpan(w[i] * _classes, _classes);
            for (int c = 0; c < at.Length; c++)
            {
                p[c] += n[i] * at[c];
            }
        }

        double max = double.NegativeInfinity;
        for (int c = 0; c < p.Length; c++)
        {
            p[c] = (p[c] * scale) + folded[(_mean.Length * _classes) + c];
            max = Math.Max(max, p[c]);
        }

        double logit = p[wanted];
        double sum = 0;
        for (int c = 0; c < p.Length; c++)
        {
            sum += p[c] = Math.Exp(p[c] - max);
        }

        for (int c = 0; c < p.Length; c++)
        {
            p[c] /= sum;
        }

        return logit - max - Math.Log(sum);
    }
}
