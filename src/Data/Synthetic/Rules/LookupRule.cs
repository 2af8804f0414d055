namespace GenoSeq.Data;

/// <summary>
/// n-gram look-up: Jelassi et al., "Repeat after me", ICML 2024 (arXiv 2402.01032). A string, and a word of it that occurs nowhere else in
/// it; what follows the word is asked for. Suffix: string [SEP] word answer. Prefix: word [SEP] string [SEP] answer.
/// </summary>
internal sealed class LookupRule : TaskRule
{
    private const int TriesWithAString = 32;

    private readonly int _frame;
    private readonly int _longest;

    internal LookupRule(SyntheticTaskOptions options)
        : base(options)
    {
        _frame = options.KeyWidth + options.ValueWidth + (options.Order == LookupOrder.Prefix ? 2 : 1);
        _longest = options.Symbols > 0 ? options.Symbols : TextLength - _frame;
    }

    internal override int MinLength => Math.Max(Math.Max(Options.Symbols, Options.MinSymbols), Shortest) + _frame - 1;

    internal override int AnswerLength => Options.ValueWidth;

    private int Shortest => Options.KeyWidth + Options.ValueWidth;

    internal override IEnumerable<string> Problems()
    {
        if (Options.Symbols > 0 && Options.MinSymbols > Options.Symbols)
        {
            yield return $"min_symbols: is {Options.MinSymbols}, more than symbols, {Options.Symbols}";
        }
        if (Options.Symbols > 0 && Options.Symbols < Shortest)
        {
            yield return $"symbols: is {Options.Symbols}, and a key and what follows have {Shortest}";
        }
        if (Options.MinSymbols > 0 && Options.MinSymbols < Shortest)
        {
            yield return $"min_symbols: is {Options.MinSymbols}, and a key and what follows have {Shortest}";
        }
        // Among 4^k random words a given one stands alone with probability 1/e.
        if (_longest > Keys)
        {
            yield return $"key_width: hardly a word of {Options.KeyWidth} bases is alone in a string of {_longest}; use at least {Digits(_longest)}";
        }
    }

    internal override void Write(ref CounterRandom random, long sample, RowText row)
    {
        int count = _longest;
        if (Options.MinSymbols > 0)
        {
            count = Options.MinSymbols + (int)random.NextInt64(_longest - Options.MinSymbols + 1);
        }
        int k = Options.KeyWidth;
        Span<int> text = row.Text;
        bool prefix = Options.Order == LookupOrder.Prefix;
        Span<int> letters = text.Slice(prefix ? k + 1 : 0, count);
        int place = -1;
        while (place < 0)
        {
            TaskTokens.Random(ref random, letters);
            place = WordAlone(ref random, letters);
        }
        ReadOnlySpan<int> found = letters.Slice(place, Shortest);
        text[prefix ? k : count] = TaskTokens.Separator;
        int answer = count + _frame - Options.ValueWidth;
        if (prefix)
        {
            found[..k].CopyTo(text);
            text[answer - 1] = TaskTokens.Separator;
            found[k..].CopyTo(text[answer..]);
        }
        else
        {
            found.CopyTo(text[(count + 1)..]);
        }
        text[(answer + Options.ValueWidth)..].Fill(TaskTokens.Pad);
        row.Answer(answer, Options.ValueWidth);
    }

    private int WordAlone(ref CounterRandom random, ReadOnlySpan<int> letters)
    {
        for (int i = 0; i < TriesWithAString; i++)
        {
            int place = (int)random.NextInt64(letters.Length - Shortest + 1);
            ReadOnlySpan<int> word = letters.Slice(place, Options.KeyWidth);
            if (letters.IndexOf(word) == place && letters[(place + 1)..].IndexOf(word) < 0)
            {
                return place;
            }
        }
        return -1;
    }
}
