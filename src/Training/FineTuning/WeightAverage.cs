using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>
/// An exponential moving average of weights over the steps (Polyak and Juditsky 1992, SIAM J. Control Optim. 30), which is judged and kept in place of
/// the last ones: it follows the path of training without its noise.
/// </summary>
internal sealed class WeightAverage : IDisposable
{
    private readonly WeightCopy _average;
    private readonly double _decay;
    private long _steps;

    /// <summary>Begins with the weights as they are.</summary>
    /// <param name="weights">What is trained.</param>
    /// <param name="decay">Share of the average that a step leaves; in the first steps less, so that the beginning is forgotten.</param>
    internal WeightAverage(IEnumerable<nn.Parameter> weights, double decay) => (_average, _decay) = (new WeightCopy(weights), decay);

    /// <summary>Share of the average that step t, from 1, leaves: min(decay, t / (t + 9)).</summary>
    internal static double DecayAt(double decay, long t) => Math.Min(decay, t / (t + 9.0));

    /// <summary>Takes the weights of one more step in.</summary>
    internal void Add() => _average.Blend(1 - DecayAt(_decay, ++_steps));

    /// <summary>Weights and average change places; once more, and they are back.</summary>
    internal void Swap() => _average.Swap();

    public void Dispose() => _average.Dispose();
}
