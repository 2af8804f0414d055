namespace GenoSeq.Data;

/// <summary>P(base | the bases before it), a Markov chain of fixed order with shorter orders behind it.</summary>
public sealed class MarkovModel : CountModel
{
    /// <summary>The longest context that can be counted: 4^13 counters are 268 MB.</summary>
    public const int MaxOrder = 12;

    // [order][word]: the predicted base has a word's lowest two bits. Only the longest table is counted; the others are
    // its marginals.
    private readonly long[][] _shorter;

    /// <summary>Creates an empty model, which is uniform.</summary>
    /// <param name="order">Bases of context, 0 to <see cref="MaxOrder"/>.</param>
    /// <param name="options">Null for the defaults.</param>
    public MarkovModel(int order, CountModelOptions? options = null)
        : base(CheckedOrder(order) + 1, options ?? new CountModelOptions())
    {
        Order = order;
        _shorter = new long[order][];
        for (int j = 0; j < order; j++)
        {
            _shorter[j] = new long[1 << (2 * (j + 1))];
        }
    }

    /// <summary>Bases of context.</summary>
    public int Order { get; }

    /// <inheritdoc/>
    public override string Name => $"markov-{Order}";

    /// <inheritdoc/>
    public override void Distribution(ReadOnlySpan<byte> window, int position, Span<double> probabilities)
    {
        Span<double> p = probabilities[..4];
        p.Fill(0.25);
        Blend(0, 0, p);
        uint context = 0;
        for (int j = 1; j <= Order && position - j >= 0; j++)
        {
            uint code = BaseCode.Of(window[position - j]);
            if (code == BaseCode.None)
            {
                break;
            }
            context |= code << (2 * (j - 1));
            Blend(j, context, p);
        }
    }

    private protected override int Steps => Order + 1;

    private protected override void AddBits(ReadOnlySpan<byte> window, int position, int code, Span<double> totals)
    {
        double p = 0.25;
        uint context = 0;
        for (int j = 0; j <= Order; j++)
        {
            if (j > 0)
            {
                uint before = position - j >= 0 ? BaseCode.Of(window[position - j]) : BaseCode.None;
                if (before == BaseCode.None)
                {
                    // The longest whole context speaks for the longer ones too.
                    double bits = -Math.Log2(p);
                    for (; j <= Order; j++)
                    {
                        totals[j] += bits;
                    }
                    return;
                }
                context |= before << (2 * (j - 1));
            }
            int at = (int)(context << 2);
            p = j == Order
                ? Interpolate(Counts[at + code], (double)Counts[at] + Counts[at + 1] + Counts[at + 2] + Counts[at + 3], p)
                : Interpolate(_shorter[j][at + code], (double)_shorter[j][at] + _shorter[j][at + 1] + _shorter[j][at + 2] + _shorter[j][at + 3], p);
            totals[j] -= Math.Log2(p);
        }
    }

    private protected override void FinishFit()
    {
        for (int j = Order - 1; j >= 0; j--)
        {
            long[] table = _shorter[j];
            Array.Clear(table);
            int mask = table.Length - 1;
            if (j == Order - 1)
            {
                for (int word = 0; word < Counts.Length; word++)
                {
                    table[word & mask] += Counts[word];
                }
            }
            else
            {
                long[] longer = _shorter[j + 1];
                for (int word = 0; word < longer.Length; word++)
                {
                    table[word & mask] += longer[word];
                }
            }
        }
    }

    private static int CheckedOrder(int order)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(order);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(order, MaxOrder);
        return order;
    }

    private void Blend(int order, uint context, Span<double> p)
    {
        int at = (int)(context << 2);
        if (order == Order)
        {
            Interpolate(Counts[at], Counts[at + 1], Counts[at + 2], Counts[at + 3], p);
        }
        else
        {
            long[] c = _shorter[order];
            Interpolate(c[at], c[at + 1], c[at + 2], c[at + 3], p);
        }
    }
}
