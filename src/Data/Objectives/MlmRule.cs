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
    internal MlmRule(Alphabet alphabet, bool parity, ulong chosenBelow, ulong maskedBelow, ulong randomBelow)
    {
        Parity = parity;
        MaskId = alphabet.MaskId;
        ShownAsPad = parity ? alphabet.NId : -1;
        PadId = alphabet.PadId;
        (Chosen, AnyChosen) = Limit(chosenBelow);
        (Masked, AnyMasked) = Limit(Scaled(maskedBelow, chosenBelow));
        (Random, AnyRandom) = Limit(Scaled(randomBelow, chosenBelow));
    }

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
