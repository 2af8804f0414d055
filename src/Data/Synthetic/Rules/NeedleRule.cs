namespace GenoSeq.Data;

/// <summary>
/// A needle in a background: [CLS] motif partner, planted at a distance before the end, where [CLS] and the motif stand again and the
/// partner is asked for. Distractors are planted pairs with other motifs.
/// </summary>
internal sealed class NeedleRule : TaskRule
{
    private readonly IBackground? _background;
    private readonly int _unit;

    // Where the final [CLS] stands.
    private readonly int _query;

    internal NeedleRule(SyntheticTaskOptions options, IBackground? background)
        : base(options)
    {
        _background = background;
        _unit = 1 + options.KeyWidth + options.ValueWidth;
        _query = TextLength - _unit;
    }

    internal override int MinLength
    {
        get
        {
            if (Options.Distance == 0)
            {
                return (Options.Distractors + 2) * _unit - 1;
            }
            int behind = Options.Distance / _unit - 1;
            return Math.Max(0, Options.Distractors - behind) * _unit + Options.Distance + _unit - 1;
        }
    }

    internal override int AnswerLength => Options.ValueWidth;

    internal override IEnumerable<string> Problems()
    {
        if (Options.Distance > 0 && Options.Distance < _unit)
        {
            yield return $"distance: is {Options.Distance}, and the marker, the motif and its partner have {_unit} tokens";
        }
        foreach (string problem in KeysFor(Options.Distractors + 1L, "planted pairs"))
        {
            yield return problem;
        }
    }

    internal override void Write(ref CounterRandom random, long sample, RowText row)
    {
        Span<int> text = row.Text;
        if (_background is null)
        {
            TaskTokens.Random(ref random, text[.._query]);
        }
        else
        {
            Span<byte> bases = row.Scratch.Bases(_query);
            _background.Fill(sample, bases);
            Alphabet.Caduceus.Encode(bases, text);
        }
        KeyedPermutation motifs = KeyOrder(ref random);
        int needle = Plant(ref random, text, motifs);
        text.Slice(needle, _unit).CopyTo(text[_query..]);
        row.Answer(_query + 1 + Options.KeyWidth, Options.ValueWidth);
    }

    // Pairs are planted in slots side by side, moved by a random offset, so that any number that fits is placed without trial; returns
    // where the needle is.
    private int Plant(ref CounterRandom random, Span<int> text, KeyedPermutation motifs)
    {
        bool anywhere = Options.Distance == 0;
        int needle = _query - Options.Distance;
        int left = anywhere ? _query : needle;
        int right = anywhere ? 0 : Options.Distance - _unit;
        int leftSlots = left / _unit;
        int leftOffset = (int)random.NextInt64(left % _unit + 1);
        int rightOffset = (int)random.NextInt64(right % _unit + 1);
        int slots = leftSlots + right / _unit;
        int planted = Options.Distractors + (anywhere ? 1 : 0);
        if (planted > 0)
        {
            var order = new KeyedPermutation(slots, random.NextUInt64());
            for (int j = 0; j < planted; j++)
            {
                int slot = (int)order[j];
                int start = slot < leftSlots ? leftOffset + slot * _unit : needle + _unit + rightOffset + (slot - leftSlots) * _unit;
                Write(ref random, text.Slice(start, _unit), motifs[j]);
                needle = anywhere && j == 0 ? start : needle;
            }
        }
        if (!anywhere)
        {
            Write(ref random, text.Slice(needle, _unit), motifs[planted]);
        }
        return needle;
    }

    private void Write(ref CounterRandom random, Span<int> unit, long motif)
    {
        unit[0] = TaskTokens.Marker;
        TaskTokens.Number(motif, unit.Slice(1, Options.KeyWidth));
        TaskTokens.Random(ref random, unit[(1 + Options.KeyWidth)..]);
    }
}
