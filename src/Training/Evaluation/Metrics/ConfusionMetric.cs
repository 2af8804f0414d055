namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>A metric of hard predictions: anything that the confusion matrix tells.</summary>
internal sealed class ConfusionMetric : IMetric
{
    private readonly int _classes;
    private readonly int[] _cells;
    private readonly Func<ConfusionMatrix, MetricValue> _value;

    /// <param name="name">Its key.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="labels">Labels.</param>
    /// <param name="predicted">Predicted classes.</param>
    /// <param name="value">What to read off the matrix.</param>
    internal ConfusionMetric(string name, int classes, int[] labels, int[] predicted, Func<ConfusionMatrix, MetricValue> value)
    {
        Name = name;
        _classes = classes;
        _value = value;
        _cells = new int[labels.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            _cells[i] = (labels[i] * classes) + predicted[i];
        }
    }

    public string Name { get; }

    public int Examples => _cells.Length;

    public MetricValue Evaluate(ReadOnlySpan<int> counts)
    {
        var matrix = new ConfusionMatrix(_classes);
        for (int i = 0; i < counts.Length; i++)
        {
            matrix.Add(_cells[i], counts[i]);
        }

        return _value(matrix);
    }
}
