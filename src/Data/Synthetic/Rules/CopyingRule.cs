namespace GenoSeq.Data;

/// <summary>Copying: Jelassi et al., "Repeat after me", ICML 2024 (arXiv 2402.01032). A string, [SEP], the string.</summary>
internal sealed class CopyingRule(SyntheticTaskOptions options) : TaskRule(options)
{
    private readonly int _longest = options.Symbols > 0 ? options.Symbols : options.Length / 2;

    internal override int MinLength => 2 * Math.Max(1, Math.Max(Options.Symbols, Options.MinSymbols));

    internal override int AnswerLength => _longest;

    internal override IEnumerable<string> Problems()
    {
        if (Options.Symbols > 0 && Options.MinSymbols > Options.Symbols)
        {
            yield return $"min_symbols: is {Options.MinSymbols}, more than symbols, {Options.Symbols}";
        }
    }

    internal override void Write(ref CounterRandom random, long sample, RowText row)
    {
        int count = _longest;
        if (Options.MinSymbols > 0)
        {
            count = Options.MinSymbols + (int)random.NextInt64(_longest - Options.MinSymbols + 1);
        }
        Span<int> text = row.Text;
        TaskTokens.Random(ref random, text[..count]);
        text[count] = TaskTokens.Separator;
        text[..count].CopyTo(text[(count + 1)..]);
        text[(2 * count + 1)..].Fill(TaskTokens.Pad);
        row.Answer(count + 1, count);
    }
}
