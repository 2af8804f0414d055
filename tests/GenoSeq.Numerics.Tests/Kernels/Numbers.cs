namespace GenoSeq.Numerics.Tests.Kernels;

/// <summary>Seeded test values and comparisons.</summary>
internal static class Numbers
{
    /// <summary>Largest |actual - truth| over largest |truth| that each kernel may show in fp32 against the fp64 reference.</summary>
    public static readonly IReadOnlyDictionary<string, double> Tolerance = new Dictionary<string, double>
    {
        ["scan.forward"] = 3e-6,
        ["scan.backward"] = 2e-5,
        ["conv.forward"] = 1e-6,
        ["conv.backward"] = 2e-5,
        ["norm.forward"] = 1e-6,
        ["norm.backward"] = 2e-5,
        ["loss.forward"] = 1e-6,
        ["loss.backward"] = 2e-6,
        ["gate.forward"] = 1e-6,
        ["gate.backward"] = 1e-6,
    };

    /// <summary>Uniform values that fp32 holds exactly, so that every precision sees the same inputs.</summary>
    public static double[] Uniform(Random random, int count, double low, double high)
    {
        var values = new double[count];
        for (int i = 0; i < count; i++) values[i] = (float)(low + ((high - low) * random.NextDouble()));
        return values;
    }

    public static double MaxError(double[] actual, double[] truth)
    {
        Assert.Equal(truth.Length, actual.Length);
        double error = 0;
        double size = 1e-30;
        for (int i = 0; i < truth.Length; i++)
        {
            double difference = Math.Abs(actual[i] - truth[i]);
            if (double.IsNaN(difference)) return double.NaN;
            error = Math.Max(error, difference);
            size = Math.Max(size, Math.Abs(truth[i]));
        }

        // Test inputs are of order one: results far below that are the leftovers of cancellation, and are compared absolutely.
        return error / Math.Max(size, 0.05);
    }

    public static double NormError(double[] actual, double[] truth)
    {
        Assert.Equal(truth.Length, actual.Length);
        double error = 0;
        double size = 0;
        for (int i = 0; i < truth.Length; i++)
        {
            error += (actual[i] - truth[i]) * (actual[i] - truth[i]);
            size += truth[i] * truth[i];
        }

        return Math.Sqrt(error / Math.Max(size, 1e-30));
    }

    /// <summary>Every array of truth has a counterpart within tolerance.</summary>
    public static void AssertClose(Results actual, Results truth, double tolerance, string what)
    {
        Assert.Equal(truth.Keys.Order(StringComparer.Ordinal), actual.Keys.Order(StringComparer.Ordinal));
        foreach ((string name, double[] expected) in truth)
        {
            double error = MaxError(actual[name], expected);
            Assert.True(error <= tolerance, $"{what}: {name} differs by {error:g3} of its largest value, more than {tolerance:g3}");
        }
    }

    public static void AssertSame(Results actual, Results expected, string what)
    {
        foreach ((string name, double[] values) in expected)
            Assert.True(values.AsSpan().SequenceEqual(actual[name]), $"{what}: {name} is not bitwise the same");
    }
}

/// <summary>Named dense result arrays of one kernel run; absent results are left out.</summary>
internal sealed class Results : Dictionary<string, double[]>
{
    public void Put(string name, double[]? values)
    {
        if (values is not null) Add(name, values);
    }
}
