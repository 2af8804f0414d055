namespace GenoSeq.Data;

/// <summary>
/// P(base | the k bases on each side), with fewer bases a side behind it: what counting can do for a masked base.
/// </summary>
public sealed class FlankCountModel : CountModel
{
    /// <summary>The widest flank that can be counted: 4^13 counters are 268 MB.</summary>
    public const int MaxFlank = 6;

    // [flank][word of 2 flank + 1 bases]: the predicted base is in the middle. Only the widest table is counted; the
    // others are its marginals.
    private readonly long[][] _narrower;

    /// <summary>Creates an empty model, which is uniform.</summary>
    /// <param name="flank">Bases of context on each side, 0 to <see cref="MaxFlank"/>.</param>
    /// <param name="options">Null for the defaults.</param>
    public FlankCountModel(int flank, CountModelOptions? options = null)
        : base(2 * CheckedFlank(flank) + 1, options ?? new CountModelOptions())
    {
        Flank = flank;
        _narrower = new long[flank][];
        for (int j = 0; j < flank; j++)
        {
            _narrower[j] = new long[1 << (2 * (2 * j + 1))];
        }
    }

    /// <summary>Bases of context on each side.</summary>
    public int Flank { get; }

    /// <inheritdoc/>
    public override string Name => $"flank-{Flank}";

    /// <inheritdoc/>
    public override void Distribution(ReadOnlySpan<byte> window, int position, Span<double> probabilities)
    {
        Span<double> p = probabilities[..4];
        p.Fill(0.25);
        uint word = 0;
        Blend(0, word, p);
        for (int j = 1; j <= Flank && position - j >= 0 && position + j < window.Length; j++)
        {
            uint left = BaseCode.Of(window[position - j]);
            uint right = BaseCode.Of(window[position + j]);
            if (left == BaseCode.None || right == BaseCode.None)
            {
                break;
            }
            // One more base on each side: the narrower word moves up by one base.
            word = (left << (4 * j)) | (word << 2) | right;
            Blend(j, word, p);
        }
    }

    private protected override int Steps => Flank + 1;

    private protected override void AddBits(ReadOnlySpan<byte> window, int position, int code, Span<double> totals)
    {
        double p = 0.25;
        uint word = 0;
        for (int j = 0; j <= Flank; j++)
        {
            if (j > 0)
            {
                uint left = position - j >= 0 ? BaseCode.Of(window[position - j]) : BaseCode.None;
                uint right = position + j < window.Length ? BaseCode.Of(window[position + j]) : BaseCode.None;
                if (left == BaseCode.None || right == BaseCode.None)
                {
                    // The widest whole context speaks for the wider ones too.
                    double bits = -Math.Log2(p);
                    for (; j <= Flank; j++)
                    {
                        totals[j] += bits;
                    }
                    return;
                }
                word = (left << (4 * j)) | (word << 2) | right;
            }
            int at = (int)word;
            int step = 1 << (2 * j);
            p = j == Flank
                ? Interpolate(Counts[at + code * step],
                    (double)Counts[at] + Counts[at + step] + Counts[at + 2 * step] + Counts[at + 3 * step], p)
                : Interpolate(_narrower[j][at + code * step],
                    (double)_narrower[j][at] + _narrower[j][at + step] + _narrower[j][at + 2 * step] + _narrower[j][at + 3 * step], p);
            totals[j] -= Math.Log2(p);
        }
    }

    private protected override void FinishFit()
    {
        for (int j = Flank - 1; j >= 0; j--)
        {
            long[] table = _narrower[j];
            Array.Clear(table);
            int mask = table.Length - 1;
            // Dropping the outermost base on each side: shift the right one out, mask the left one off.
            if (j == Flank - 1)
            {
                for (int word = 0; word < Counts.Length; word++)
                {
                    table[(word >> 2) & mask] += Counts[word];
                }
            }
            else
            {
                long[] wider = _narrower[j + 1];
                for (int word = 0; word < wider.Length; word++)
                {
                    table[(word >> 2) & mask] += wider[word];
                }
            }
        }
    }

    private static int CheckedFlank(int flank)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(flank);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(flank, MaxFlank);
        return flank;
    }

    /// <param name="flank">Width of the context.</param>
    /// <param name="word">The word with its middle base zero.</param>
    /// <param name="p">Distribution of the narrower context, replaced.</param>
    private void Blend(int flank, uint word, Span<double> p)
    {
        int step = 1 << (2 * flank);
        int at = (int)word;
        if (flank == Flank)
        {
            Interpolate(Counts[at], Counts[at + step], Counts[at + 2 * step], Counts[at + 3 * step], p);
        }
        else
        {
            long[] c = _narrower[flank];
            Interpolate(c[at], c[at + step], c[at + 2 * step], c[at + 3 * step], p);
        }
    }
}
