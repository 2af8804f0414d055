namespace GenoSeq.Data;

/// <summary>2^20 bases from each interval's start, in windows side by side, as Caduceus' loader cuts them.</summary>
/// <remarks>
/// Schiff et al., "Caduceus", ICML 2024; rules of its published loader: the interval's own end does not matter, a window
/// beyond the contig's end slides back until it ends with the contig (so the last window may come several times), and
/// nothing is padded.
/// </remarks>
public static class CaduceusRule
{
    /// <summary>Bases that an interval is extended to.</summary>
    public const int Span = 1 << 20;

    /// <summary>Windows of one interval.</summary>
    public static int WindowsOf(int length) => Span / length;

    /// <summary>First base of a window; it has exactly <paramref name="length"/> bases.</summary>
    /// <param name="intervalStart">First base of the interval.</param>
    /// <param name="contigLength">Bases of its contig, at least <paramref name="length"/>.</param>
    /// <param name="length">Bases in a window; divides <see cref="Span"/>.</param>
    /// <param name="window">Which of the interval's windows, from 0.</param>
    public static long Start(long intervalStart, long contigLength, int length, int window) =>
        Math.Min(intervalStart + (long)window * length, contigLength - length);
}
