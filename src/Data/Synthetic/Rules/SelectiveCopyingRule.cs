namespace GenoSeq.Data;

/// <summary>
/// Selective copying: Jing et al., 2019 (arXiv 1706.02761), with random places as in Gu and Dao, "Mamba" (arXiv 2312.00752). Bases at
/// random places among N, [SEP], the bases in order.
/// </summary>
internal sealed class SelectiveCopyingRule(SyntheticTaskOptions options) : TaskRule(options)
{
    private const int UsualSymbols = 16;

    internal override int MinLength => 2 * AnswerLength;

    internal override int AnswerLength => Options.Symbols > 0 ? Options.Symbols : UsualSymbols;

    internal override void Write(ref CounterRandom random, long sample, RowText row)
    {
        Span<int> text = row.Text;
        int count = AnswerLength;
        int room = TextLength - 1 - count;
        text[..room].Fill(TaskTokens.Filler);
        text[room] = TaskTokens.Separator;
        Span<int> answer = text[(room + 1)..];
        TaskTokens.Random(ref random, answer);
        var order = new KeyedPermutation(room, random.NextUInt64());
        Span<int> places = row.Scratch.Places(count);
        for (int i = 0; i < count; i++)
        {
            places[i] = (int)order[i];
        }
        places.Sort();
        for (int i = 0; i < count; i++)
        {
            text[places[i]] = answer[i];
        }
        row.Answer(room + 1, count);
    }
}
