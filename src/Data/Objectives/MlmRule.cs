namespace GenoSeq.Data;

/// <summary>
/// The decisions of <see cref="MlmCorruption"/> as limits on the 32-bit word of a position, so that no division is left:
/// ⌊w·2³² / c⌋ &lt; m is the same as w &lt; ⌈m·c / 2³²⌉.
/// </summary>
/// <remarks>
/// Each limit is the largest word that still counts; where no word counts the flag beside it is zero, else all ones.
/// </remarks>
internal readonly struct MlmRule
{
    internal MlmRule(Alphabet alphabet, ReplaceWith replaceWith, bool parity, ulong chosenBelow, ulong maskedBelow, ulong randomBelow)
    {
        Parity = parity;
        MaskId = alphabet.MaskId;
        ShownAsPad = parity ? alphabet.NId : -1;
        PadId = alphabet.PadId;
        (Chosen, AnyChosen) = Limit(chosenBelow);
        (Masked, AnyMasked) = Limit(Scaled(maskedBelow, chosenBelow));
        (Random, AnyRandom) = Limit(Scaled(randomBelow, chosenBelow));
        ReadOnlySpan<int> upper = alphabet.RandomReplacementIds(ReplaceWith.Bases, alphabet.Encode((byte)'A'));
        ReadOnlySpan<int> lower = alphabet.RandomReplacementIds(ReplaceWith.Bases, alphabet.Encode((byte)'a'));
        (Base0, Base1, Base2, Base3) = (upper[0], upper[1], upper[2], upper[3]);
        LowerBit = lower[0] ^ upper[0];
        bool byBit = int.PopCount(LowerBit) <= 1;
        for (int k = 0; k < upper.Length; k++)
        {
            byBit &= lower[k] == (upper[k] | LowerBit) && (LowerBit == 0 || (upper[k] & LowerBit) == 0);
        }
        DrawsBases = replaceWith == ReplaceWith.Bases && byBit;
        // The word chooses base k or a later one when the stretch between the two limits is at least k quarters behind it.
        UInt128 range = randomBelow - maskedBelow;
        (Below1, AnyBelow1) = Limit(Scaled(maskedBelow + (ulong)((range + 3) / 4), chosenBelow));
        (Below2, AnyBelow2) = Limit(Scaled(maskedBelow + (ulong)((2 * range + 3) / 4), chosenBelow));
        (Below3, AnyBelow3) = Limit(Scaled(maskedBelow + (ulong)((3 * range + 3) / 4), chosenBelow));
    }

    /// <summary>True if random replacements are one of four bases, in the case of what they replace.</summary>
    internal bool DrawsBases { get; }

    internal int Base0 { get; }

    internal int Base1 { get; }

    internal int Base2 { get; }

    internal int Base3 { get; }

    /// <summary>The bit that makes a base's id the id of its lower-case form; 0 if the alphabet drops case.</summary>
    internal int LowerBit { get; }

    /// <summary>Words up to here draw base 0, if they draw one.</summary>
    internal uint Below1 { get; }

    internal uint AnyBelow1 { get; }

    internal uint Below2 { get; }

    internal uint AnyBelow2 { get; }

    internal uint Below3 { get; }

    internal uint AnyBelow3 { get; }

    internal bool Parity { get; }

    internal int MaskId { get; }

    /// <summary>The id that is shown as <see cref="PadId"/>, or -1.</summary>
    internal int ShownAsPad { get; }

    internal int PadId { get; }

    internal uint Chosen { get; }

    internal uint AnyChosen { get; }

    internal uint Masked { get; }

    internal uint AnyMasked { get; }

    internal uint Random { get; }

    internal uint AnyRandom { get; }

    private static ulong Scaled(ulong below, ulong chosenBelow) =>
        (ulong)(((UInt128)below * chosenBelow + uint.MaxValue) >> 32);

    private static (uint Last, uint Any) Limit(ulong below) => below == 0 ? (0, 0) : ((uint)(below - 1), uint.MaxValue);
}
