namespace GenoSeq.Data;

/// <summary>
/// Phonebook: Jelassi et al., "Repeat after me", ICML 2024 (arXiv 2402.01032). Records [BOS] name [SEP] number; then [CLS] name [SEP], and
/// the number is asked for.
/// </summary>
internal sealed class PhonebookRule : TaskRule
{
    private readonly int _record;
    private readonly int _records;

    internal PhonebookRule(SyntheticTaskOptions options)
        : base(options)
    {
        _record = options.KeyWidth + options.ValueWidth + 2;
        _records = options.Pairs > 0 ? options.Pairs : TextLength / _record - 1;
    }

    internal override int MinLength => (Math.Max(Options.Pairs, 1) + 1) * _record - 1;

    internal override int AnswerLength => Options.ValueWidth;

    internal override IEnumerable<string> Problems() => KeysFor(_records, "records");

    internal override void Write(ref CounterRandom random, long sample, RowText row)
    {
        Span<int> text = row.Text;
        int width = Options.KeyWidth;
        KeyedPermutation names = KeyOrder(ref random);
        for (int j = 0; j < _records; j++)
        {
            Span<int> record = text.Slice(j * _record, _record);
            record[0] = TaskTokens.Begin;
            TaskTokens.Number(names[j], record.Slice(1, width));
            record[1 + width] = TaskTokens.Separator;
            TaskTokens.Random(ref random, record[(2 + width)..]);
        }
        int asked = (int)random.NextInt64(_records);
        int query = _records * _record;
        text.Slice(asked * _record, _record).CopyTo(text[query..]);
        text[query] = TaskTokens.Marker;
        text[(query + _record)..].Fill(TaskTokens.Pad);
        row.Answer(query + 2 + width, Options.ValueWidth);
    }
}
