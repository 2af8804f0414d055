namespace GenoSeq.Models.Tests.Oracle;

/// <summary>
/// The matrix recurrence of engines E2 to E4 as plain loops in double precision, one head: S = diag(exp g_t) S, then S += k_t v_t^T, or
/// with step sizes S += beta_t k_t (v_t - S^T k_t)^T, then y_t = S^T q_t.
/// </summary>
internal static class OracleRecurrence
{
    /// <summary>Runs one head; everything is [position][width].</summary>
    /// <param name="q">Queries.</param>
    /// <param name="k">Keys.</param>
    /// <param name="v">Values.</param>
    /// <param name="g">Log decays, one for each row of the state.</param>
    /// <param name="beta">Step sizes of the delta rule, or null.</param>
    /// <param name="state">[n][p], updated.</param>
    /// <param name="resets">Where another sequence begins.</param>
    /// <param name="before">Whether y reads the state before the position's own key.</param>
    internal static double[][] Run(double[][] q, double[][] k, double[][] v, double[][] g, double[]? beta, double[][] state,
        bool[] resets, bool before = false)
    {
        (int n, int p) = (state.Length, state[0].Length);
        var y = new double[q.Length][];
        for (int t = 0; t < q.Length; t++)
        {
            for (int i = 0; resets[t] && i < n; i++) Array.Clear(state[i]);
            if (before) y[t] = Read(state, q[t]);
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j < p; j++) state[i][j] *= Math.Exp(g[t][i]);
            }

            double[] old = Read(state, k[t]);
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j < p; j++) state[i][j] += beta is null ? k[t][i] * v[t][j] : beta[t] * k[t][i] * (v[t][j] - old[j]);
            }

            if (!before) y[t] = Read(state, q[t]);
        }

        return y;
    }

    private static double[] Read(double[][] state, double[] row) =>
        [.. Enumerable.Range(0, state[0].Length).Select(j => Enumerable.Range(0, state.Length).Sum(i => state[i][j] * row[i]))];
}
