using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>Comparisons: the largest difference over the largest expected magnitude.</summary>
internal static class Closeness
{
    internal static void Check(double[][][] expected, Tensor actual, double tolerance, string what) =>
        Check(expected.SelectMany(b => b).SelectMany(r => r).ToArray(), actual, tolerance, what);

    internal static void Check(double[] expected, Tensor actual, double tolerance, string what)
    {
        using Tensor flat = actual.detach().to(float64);
        double[] values = flat.ToArray<double>();
        Assert.Equal(expected.Length, values.Length);
        double scale = Math.Max(expected.Max(Math.Abs), 1e-12);
        double worst = 0;
        for (int i = 0; i < values.Length; i++)
        {
            double difference = Math.Abs(expected[i] - values[i]);
            Assert.False(double.IsNaN(difference), $"{what}: element {i} is {values[i]}, expected {expected[i]}");
            worst = Math.Max(worst, difference);
        }

        Assert.True(worst / scale <= tolerance, $"{what}: error {worst / scale:g3} over {tolerance:g3}");
    }

    internal static void Check(Tensor expected, Tensor actual, double tolerance, string what)
    {
        Assert.Equal(expected.shape, actual.shape);
        using Tensor e = expected.detach().to(float64);
        Check(e.ToArray<double>(), actual, tolerance, what);
    }

    internal static void Bitwise(Tensor expected, Tensor actual, string what)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(expected.detach().equal(actual.detach()), $"{what}: not the same bits");
    }
}
