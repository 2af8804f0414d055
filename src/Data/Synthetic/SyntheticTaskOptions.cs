namespace GenoSeq.Data;

/// <summary>What a synthetic task asks for.</summary>
public enum SyntheticKind
{
    /// <summary>Multi-query associative recall: key-value pairs, then keys whose values are asked for.</summary>
    Recall,

    /// <summary>A string, then the same string.</summary>
    Copying,

    /// <summary>A string, and a piece of it that is to be continued.</summary>
    Lookup,

    /// <summary>What followed the marker when it stood there before.</summary>
    Induction,

    /// <summary>The bases among filler, in order.</summary>
    SelectiveCopying,

    /// <summary>Records of a name and a number; the number of one name.</summary>
    Phonebook,

    /// <summary>Whether the ones so far are odd in number.</summary>
    Parity,

    /// <summary>The product of permutations so far: the word problem of a group.</summary>
    Permutations,

    /// <summary>A pair planted far back in a background.</summary>
    Needle,
}

/// <summary>What stands where a task has nothing to say.</summary>
public enum SyntheticFiller
{
    /// <summary>Random bases.</summary>
    Bases,

    /// <summary>N.</summary>
    N,
}

/// <summary>Where the key of a look-up stands.</summary>
public enum LookupOrder
{
    /// <summary>Behind the string: the whole string must be kept.</summary>
    Suffix,

    /// <summary>Before the string: what to look for is known while it is read.</summary>
    Prefix,
}

/// <summary>The group of a word problem.</summary>
public enum PermutationGroup
{
    /// <summary>The 6 permutations of three things; solvable.</summary>
    S3,

    /// <summary>The 120 permutations of five things; not solvable, so that its word problem is complete for NC1.</summary>
    S5,
}

/// <summary>What the word of a word problem is written in.</summary>
public enum PermutationInputs
{
    /// <summary>Four generators, one base each: nothing, the swap of the first two, the cycle, the cycle backwards.</summary>
    Generators,

    /// <summary>Any element, as its number.</summary>
    Elements,
}

/// <summary>A synthetic task and its size; settings that its kind does not use are ignored.</summary>
public sealed record SyntheticTaskOptions
{
    internal const int MaxCount = 1 << 20;

    /// <summary>The task.</summary>
    public SyntheticKind Kind { get; init; } = SyntheticKind.Recall;

    /// <summary>Tokens in a row.</summary>
    public int Length { get; init; } = 256;

    /// <summary>Pairs (recall) or records (phonebook; 0: as many as fit).</summary>
    public int Pairs { get; init; } = 8;

    /// <summary>Bases of a key (recall, lookup, phonebook, needle).</summary>
    public int KeyWidth { get; init; } = 4;

    /// <summary>Bases of a value (recall, phonebook, needle), or of what is to be continued (lookup, induction).</summary>
    public int ValueWidth { get; init; } = 1;

    /// <summary>Exponent a of the gap between a pair and its query, p(gap) ∝ gap^(a − 1) (recall); 1: uniform.</summary>
    public double PowerA { get; init; } = 0.01;

    /// <summary>What stands between queries (recall).</summary>
    public SyntheticFiller Filler { get; init; } = SyntheticFiller.Bases;

    /// <summary>Bases of the string (copying, lookup; 0: as many as fit) or to remember (selective_copying; 0: 16).</summary>
    public int Symbols { get; init; }

    /// <summary>The string has a random length from here to its full one, and padding behind it (copying, lookup); 0: always the full one.</summary>
    public int MinSymbols { get; init; }

    /// <summary>Whether the key stands behind the string or before it (lookup).</summary>
    public LookupOrder Order { get; init; } = LookupOrder.Suffix;

    /// <summary>Every step is asked for, not only the last (parity, permutations).</summary>
    public bool EveryStep { get; init; } = true;

    /// <summary>The group (permutations).</summary>
    public PermutationGroup Group { get; init; } = PermutationGroup.S5;

    /// <summary>What is multiplied (permutations).</summary>
    public PermutationInputs Inputs { get; init; } = PermutationInputs.Generators;

    /// <summary>Tokens from the planted marker to the one that asks (needle); 0: a random place.</summary>
    public int Distance { get; init; }

    /// <summary>Other pairs planted (needle).</summary>
    public int Distractors { get; init; }

    /// <summary>Every problem with these options, as "key: problem"; nothing if there is none.</summary>
    public IEnumerable<string> Validate()
    {
        var problems = new List<string>();
        Known(Kind, "kind");
        Known(Filler, "filler");
        Known(Order, "order");
        Known(Group, "group");
        Known(Inputs, "inputs");
        if (Length < 1) problems.Add($"length: must be at least 1, not {Length}");
        Range(Pairs, "pairs", Kind == SyntheticKind.Recall ? 1 : 0, MaxCount);
        Range(KeyWidth, "key_width", 1, 15);
        Range(ValueWidth, "value_width", 1, 64);
        Range(Symbols, "symbols", 0, 1 << 28);
        Range(MinSymbols, "min_symbols", 0, 1 << 28);
        Range(Distance, "distance", 0, 1 << 28);
        Range(Distractors, "distractors", 0, MaxCount);
        if (!(PowerA > 0 && double.IsFinite(PowerA))) problems.Add(FormattableString.Invariant($"power_a: must be positive, not {PowerA}"));
        if (problems.Count == 0)
        {
            TaskRule rule = SyntheticTasks.RuleOf(this, null);
            problems.AddRange(rule.Problems());
            if (problems.Count == 0 && Length < rule.MinLength)
            {
                problems.Add($"length: is {Length}, and these settings need at least {rule.MinLength} tokens");
            }
        }
        return problems;

        void Known<T>(T value, string key)
            where T : struct, Enum
        {
            if (!Enum.IsDefined(value)) problems.Add($"{key}: {value} is none of {string.Join(", ", Enum.GetNames<T>())}");
        }

        void Range(int value, string key, int least, int most)
        {
            if (value < least || value > most) problems.Add($"{key}: must be from {least} to {most}, not {value}");
        }
    }
}
