using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// First-order recurrences over chunks or positions, h_t = a_t h_(t-1) + b_t, in log2(length) rounds of libtorch's operators:
/// pairs of neighbours are joined into one step, the half as long sequence is solved, and what lies between is filled in. Only
/// products of the a_t occur, no quotients and no logarithms, so |a_t| of at most 1 can neither overflow nor lose digits.
/// </summary>
internal static class StatePassing
{
    /// <summary>All states of an elementwise recurrence.</summary>
    /// <param name="a">[batch, length, ...], broadcast against b.</param>
    /// <param name="b">[batch, length, ...].</param>
    /// <param name="before">[batch, ...]: the state before the first.</param>
    /// <returns>[batch, length, ...]: the state behind each step.</returns>
    internal static Tensor Scan(Tensor a, Tensor b, Tensor before) => Solve(a, b, before.unsqueeze(1), static (x, y) => x * y);

    /// <summary>All states of h_t = A_t h_(t-1) + B_t with matrices A [batch, length, ..., n, n] and states [..., n, p].</summary>
    internal static Tensor MatrixScan(Tensor a, Tensor b, Tensor before) => Solve(a, b, before.unsqueeze(1), static (x, y) => x.matmul(y));

    /// <summary>
    /// Operations of <see cref="MatrixScan"/> for each step: a round over m of them joins m / 2 pairs of matrices and of states and fills m / 2
    /// states in, and the rounds add up to two of the first.
    /// </summary>
    internal static double MatrixFlops(long n, long p) => (2.0 * n * n * n) + (4.0 * n * n * p);

    /// <summary>The state before each step, and the one behind the last.</summary>
    /// <param name="after">[batch, length, ...]: the state behind each step.</param>
    /// <param name="before">[batch, ...].</param>
    internal static (Tensor Before, Tensor Last) Shift(Tensor after, Tensor before)
    {
        long length = after.size(1);
        Tensor first = before.unsqueeze(1);
        return (length == 1 ? first : cat([first, after.narrow(1, 0, length - 1)], 1), after.select(1, length - 1));
    }

    private static Tensor Solve(Tensor a, Tensor b, Tensor before, Func<Tensor, Tensor, Tensor> times)
    {
        long length = b.size(1);
        if (length == 1)
        {
            return times(a, before) + b;
        }

        long even = length / 2 * 2;
        (Tensor a0, Tensor a1) = (a.slice(1, 0, even, 2), a.slice(1, 1, even, 2));
        (Tensor b0, Tensor b1) = (b.slice(1, 0, even, 2), b.slice(1, 1, even, 2));
        Tensor odd = Solve(times(a1, a0), times(a1, b0) + b1, before, times);
        (Tensor previous, Tensor last) = Shift(odd, before.select(1, 0));
        Tensor joined = stack([times(a0, previous) + b0, odd], 2).flatten(1, 2);
        return even == length
            ? joined
            : cat([joined, times(a.narrow(1, even, 1), last.unsqueeze(1)) + b.narrow(1, even, 1)], 1);
    }
}
