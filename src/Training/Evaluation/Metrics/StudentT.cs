namespace GenoSeq.Training.Evaluation.Metrics;

/// <summary>Student's t distribution.</summary>
public static class StudentT
{
    private const double Normal = 1.959963984540054;

    // 97.5 % quantiles for 1 to 30 degrees of freedom.
    private static readonly double[] s_quantiles =
    [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];

    /// <summary>
    /// The 97.5 % quantile: half of the width of a 95 % interval, in standard errors. Above 30 degrees of freedom by the first two terms of
    /// the Cornish-Fisher expansion about the normal quantile, right to three decimals there.
    /// </summary>
    /// <param name="freedom">Degrees of freedom, at least 1: values less one.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no degree of freedom.</exception>
    public static double Quantile975(int freedom)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(freedom, 1);
        if (freedom <= s_quantiles.Length)
        {
            return s_quantiles[freedom - 1];
        }

        double cube = Normal * Normal * Normal;
        double second = ((5 * cube * Normal * Normal) + (16 * cube) + (3 * Normal)) / 96;
        return Normal + ((cube + Normal) / (4 * freedom)) + (second / ((double)freedom * freedom));
    }
}
