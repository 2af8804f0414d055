using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace GenoSeq.Data;

/// <summary>
/// Makes one distribution of what several experts say, as log probabilities: three sets of weights are chosen by different things, each makes the
/// softmax of a weighted sum, and a weighted sum of those makes the last one. All weights follow the gradient of the coding length, base by base
/// (logistic mixing, Mahoney 2005, for four symbols).
/// </summary>
/// <remarks>
/// An expert's weight in the first set is chosen by how much it knows; all of the second by the longest context known and by how sure copies are;
/// all of the third by the last four bases. Sums run in one order on every machine, so the same bases give the same numbers.
/// </remarks>
internal sealed class BaseMixer
{
    /// <summary>Columns of the inputs: experts, filled up to whole vectors.</summary>
    internal const int Stride = 24;

    /// <summary>Values of what the second set of weights is chosen by.</summary>
    internal const int States = 64;

    private const int Sets = 3, Words = 256, Sureties = 4;
    private const float FirstWeight = 0.15f;
    private const double FirstRate = 0.02, LastRate = 0.002, Settling = 20000, JoinRate = 0.002;

    // The least that a base has, so that none is impossible.
    private const double Floor = 1e-5;

    private readonly float[] _byKnowledge = Filled(Stride * ContextCounts.Classes);
    private readonly float[] _byState = Filled(Stride * States);
    private readonly float[] _byWord = Filled(Stride * Words);
    private readonly double[] _join = [.. Enumerable.Repeat(1.0 / Sets, Sets * Sureties)];
    private readonly float[] _gathered = new float[Stride];
    private readonly double[] _logits = new double[Sets * 4], _shares = new double[Sets * 4];
    private readonly double[] _mixed = new double[4];
    private long _learned;

    /// <summary>[4][<see cref="Stride"/>]: log probabilities of the bases less their mean, a column an expert; zeros of one that knows nothing.</summary>
    internal float[] Inputs { get; } = new float[4 * Stride];

    /// <summary>How much each expert knows: a class, or -1.</summary>
    internal int[] Known { get; } = new int[Stride];

    /// <summary>Longest context known times 4, plus how sure copies are.</summary>
    internal int State { get; set; }

    /// <summary>The last four bases.</summary>
    internal int Word { get; set; }

    /// <summary>Probabilities of A, C, G, T, whose sum is 1.</summary>
    internal void Mix(Span<double> probabilities)
    {
        for (int j = 0; j < Stride; j++)
        {
            _gathered[j] = _byKnowledge[(j * ContextCounts.Classes) + Math.Max(0, Known[j])];
        }
        One(_gathered, 0);
        One(_byState.AsSpan(State * Stride, Stride), 1);
        One(_byWord.AsSpan(Word * Stride, Stride), 2);
        ReadOnlySpan<double> join = _join.AsSpan((State & 3) * Sets, Sets);
        for (int b = 0; b < 4; b++)
        {
            _mixed[b] = (join[0] * _logits[b]) + (join[1] * _logits[4 + b]) + (join[2] * _logits[8 + b]);
        }
        Softmax(_mixed, _mixed);
        double rest = 1;
        for (int b = 0; b < 3; b++)
        {
            _mixed[b] = (_mixed[b] * (1 - (4 * Floor))) + Floor;
            rest -= _mixed[b];
        }
        // The last one is what is left; rounding cannot take it below the others' error.
        _mixed[3] = Math.Max(rest, Floor / 2);
        _mixed.CopyTo(probabilities);
    }

    /// <summary>Moves the weights used by <see cref="Mix"/> toward the base that came.</summary>
    internal void Learn(int code)
    {
        var rate = (float)Math.Max(LastRate, FirstRate / (1 + (_learned++ / Settling)));
        Span<double> join = _join.AsSpan((State & 3) * Sets, Sets);
        for (int s = 0; s < Sets; s++)
        {
            double slope = 0;
            for (int b = 0; b < 4; b++)
            {
                slope += ((b == code ? 1 : 0) - _mixed[b]) * _logits[(4 * s) + b];
            }
            join[s] += JoinRate * slope;
        }
        Step(_gathered, 0, code, rate);
        Step(_byState.AsSpan(State * Stride, Stride), 1, code, rate);
        Step(_byWord.AsSpan(Word * Stride, Stride), 2, code, rate);
        for (int j = 0; j < Stride; j++)
        {
            if (Known[j] >= 0)
            {
                _byKnowledge[(j * ContextCounts.Classes) + Known[j]] = _gathered[j];
            }
        }
    }

    private void One(ReadOnlySpan<float> weights, int set)
    {
        Span<double> logits = _logits.AsSpan(4 * set, 4);
        ref float input = ref MemoryMarshal.GetArrayDataReference(Inputs);
        Vector256<float> w0 = Vector256.Create(weights), w1 = Vector256.Create(weights[8..]), w2 = Vector256.Create(weights[16..]);
        for (int b = 0; b < 4; b++)
        {
            var at = (nuint)(b * Stride);
            Vector256<float> sum = (w0 * Vector256.LoadUnsafe(ref input, at)) + (w1 * Vector256.LoadUnsafe(ref input, at + 8)) + (w2 * Vector256.LoadUnsafe(ref input, at + 16));
            Vector128<float> four = sum.GetLower() + sum.GetUpper();
            logits[b] = four[0] + four[1] + (four[2] + four[3]);
        }
        Softmax(logits, _shares.AsSpan(4 * set, 4));
    }

    private void Step(Span<float> weights, int set, int code, float rate)
    {
        ref float input = ref MemoryMarshal.GetArrayDataReference(Inputs);
        Vector256<float> w0 = Vector256.Create<float>(weights), w1 = Vector256.Create<float>(weights[8..]), w2 = Vector256.Create<float>(weights[16..]);
        for (int b = 0; b < 4; b++)
        {
            var at = (nuint)(b * Stride);
            Vector256<float> error = Vector256.Create(rate * (float)((b == code ? 1 : 0) - _shares[(4 * set) + b]));
            w0 += error * Vector256.LoadUnsafe(ref input, at);
            w1 += error * Vector256.LoadUnsafe(ref input, at + 8);
            w2 += error * Vector256.LoadUnsafe(ref input, at + 16);
        }
        w0.CopyTo(weights);
        w1.CopyTo(weights[8..]);
        w2.CopyTo(weights[16..]);
    }

    private static void Softmax(ReadOnlySpan<double> logits, Span<double> shares)
    {
        double most = Math.Max(Math.Max(logits[0], logits[1]), Math.Max(logits[2], logits[3]));
        double a = Math.Exp(logits[0] - most), c = Math.Exp(logits[1] - most), g = Math.Exp(logits[2] - most), t = Math.Exp(logits[3] - most);
        double scale = 1 / (a + c + g + t);
        (shares[0], shares[1], shares[2], shares[3]) = (a * scale, c * scale, g * scale, t * scale);
    }

    private static float[] Filled(int count)
    {
        var weights = new float[count];
        Array.Fill(weights, FirstWeight);
        return weights;
    }
}
