namespace GenoSeq.Data;

/// <summary>
/// Multi-query associative recall: Arora et al., "Zoology", ICLR 2024 (arXiv 2312.04927). Units [CLS] key value, one of each pair; then
/// as many again, in slots at gaps that follow a power law, the values of which are asked for.
/// </summary>
internal sealed class RecallRule : TaskRule
{
    private readonly int _unit;
    private readonly double[] _rarity;

    internal RecallRule(SyntheticTaskOptions options)
        : base(options)
    {
        _unit = 1 + options.KeyWidth + options.ValueWidth;
        // Slot i begins i units behind the pairs and has probability in proportion to (i + 1)^(a − 1).
        int slots = Math.Max(0, (int)(((long)TextLength - (long)options.Pairs * _unit) / _unit));
        _rarity = new double[slots];
        for (int i = 0; i < slots; i++)
        {
            _rarity[i] = Math.Pow(i + 1, 1 - options.PowerA);
        }
    }

    internal override int MinLength => 2 * Options.Pairs * _unit - 1;

    internal override int AnswerLength => Options.ValueWidth;

    internal override IEnumerable<string> Problems() => KeysFor(Options.Pairs, "pairs");

    internal override void Write(ref CounterRandom random, long sample, RowText row)
    {
        Span<int> text = row.Text;
        if (Options.Filler == SyntheticFiller.Bases)
        {
            TaskTokens.Random(ref random, text);
        }
        else
        {
            text.Fill(TaskTokens.Filler);
        }
        KeyedPermutation keys = KeyOrder(ref random);
        for (int j = 0; j < Options.Pairs; j++)
        {
            Span<int> unit = text.Slice(j * _unit, _unit);
            unit[0] = TaskTokens.Marker;
            TaskTokens.Number(keys[j], unit.Slice(1, Options.KeyWidth));
            TaskTokens.Random(ref random, unit[(1 + Options.KeyWidth)..]);
        }
        ReadOnlySpan<int> slots = Slots(ref random, row.Scratch);
        for (int j = 0; j < Options.Pairs; j++)
        {
            int start = (Options.Pairs + slots[j]) * _unit;
            text.Slice(j * _unit, _unit).CopyTo(text[start..]);
            row.Answer(start + 1 + Options.KeyWidth, Options.ValueWidth);
        }
    }

    // Weighted draws without replacement, as the order of a race of exponential clocks: Efraimidis and Spirakis, "Weighted random
    // sampling with a reservoir", Information Processing Letters 2006. Pair j asks in the slot of draw j.
    private Span<int> Slots(ref CounterRandom random, RowScratch scratch)
    {
        Span<double> times = scratch.Numbers(_rarity.Length);
        Span<int> slots = scratch.Places(_rarity.Length);
        for (int i = 0; i < slots.Length; i++)
        {
            times[i] = -Math.Log(1 - random.NextDouble()) * _rarity[i];
            slots[i] = i;
        }
        times.Sort(slots);
        return slots;
    }
}
