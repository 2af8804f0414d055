namespace GenoSeq.Data;

/// <summary>
/// Induction heads: Olsson et al., 2022 (arXiv 2209.11895), in the setting of Gu and Dao, "Mamba" (arXiv 2312.00752). Random bases with
/// [CLS] at a random place and again at the end: what followed it is asked for.
/// </summary>
internal sealed class InductionRule(SyntheticTaskOptions options) : TaskRule(options)
{
    internal override int MinLength => 2 * Options.ValueWidth + 1;

    internal override int AnswerLength => Options.ValueWidth;

    internal override void Write(ref CounterRandom random, long sample, RowText row)
    {
        Span<int> text = row.Text;
        TaskTokens.Random(ref random, text);
        int width = Options.ValueWidth;
        int query = TextLength - width - 1;
        int place = (int)random.NextInt64(query - width);
        text[place] = TaskTokens.Marker;
        text.Slice(place, width + 1).CopyTo(text[query..]);
        row.Answer(query + 1, width);
    }
}
