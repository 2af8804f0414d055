namespace GenoSeq.Data;

/// <summary>
/// Parity of random bits, A 0 and C 1. Labels are no text: the parity up to a position (A even, C odd) is asked for there and never
/// shown, or the next position would need nothing but the last label.
/// </summary>
internal sealed class ParityRule(SyntheticTaskOptions options) : TaskRule(options)
{
    internal override int MinLength => 1;

    internal override int AnswerLength => 1;

    internal override double Chance => 0.5;

    internal override double AnswerChance => 0.5;

    internal override void Write(ref CounterRandom random, long sample, RowText row)
    {
        uint word = 0;
        int parity = 0;
        for (int t = 0; t < row.Text.Length; t++)
        {
            word = (t & 31) == 0 ? random.NextUInt32() : word >> 1;
            row.Text[t] = TaskTokens.Base((int)(word & 1));
            parity ^= (int)(word & 1);
            if (t < row.Labels.Length && (Options.EveryStep || t == row.Labels.Length - 1))
            {
                row.Labels[t] = TaskTokens.Base(parity);
            }
        }
    }
}
