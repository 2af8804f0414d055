namespace GenoSeq.Data;

/// <summary>How windows are cut from intervals and in which order they come.</summary>
public sealed record WindowSamplerOptions
{
    /// <summary>Bases in a window.</summary>
    public int Length { get; init; } = 1024;

    /// <summary>Seed of the order, the phases, the jitter and the shifts.</summary>
    public long Seed { get; init; } = 42;

    /// <summary>
    /// True for training: random order, and what the rule draws per epoch. False for evaluation: a fixed order, the same
    /// in every epoch; with <see cref="WindowRule.Tile"/> windows side by side from each interval's start, over every
    /// base.
    /// </summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>What happens to the rest of an interval when tiling with <see cref="Shuffle"/> false.</summary>
    public TailPolicy Tail { get; init; } = TailPolicy.Short;

    /// <summary>How windows are laid over intervals.</summary>
    public WindowRule Rule { get; init; } = WindowRule.Tile;

    /// <summary>Bases from one window's start to the next one's (tile, shuffled); 0: <see cref="Length"/>.</summary>
    public int Stride { get; init; }

    /// <summary>Each window is moved right by 0 to this many bases, within its interval (tile, shuffled).</summary>
    public int Jitter { get; init; }

    /// <summary>
    /// In every epoch each interval's first window begins at a random offset below the stride (tile, shuffled); false: at
    /// the interval's start, the same windows in every epoch.
    /// </summary>
    public bool RandomPhase { get; init; } = true;

    /// <summary>
    /// Every shuffled window has at least this share of known bases (A, C, G, T or U, either case): intervals are cut
    /// beforehand so that no other window can be drawn (tile). 0 keeps every window.
    /// </summary>
    public double MinAcgtFraction { get; init; } = 0.5;

    /// <summary>Whether windows may lie across gaps (tile, shuffled).</summary>
    public GapPolicy NPolicy { get; init; } = GapPolicy.Keep;

    /// <summary>Unknown bases in a row that make a gap; 10, as in NCBI's submissions of genomes.</summary>
    public int GapLength { get; init; } = 10;

    /// <summary>Intervals shorter than a window are packed side by side in rows (tile, shuffled).</summary>
    public bool Pack { get; init; }

    /// <summary>Least random shift of an interval before a window is made of it (hyena, shuffled), in bases.</summary>
    public int ShiftMin { get; init; }

    /// <summary>Largest such shift, in bases; not less than <see cref="ShiftMin"/>.</summary>
    public int ShiftMax { get; init; }

    /// <summary>Where the padding of a window stands that a contig's end cut short (hyena).</summary>
    public WindowPadding Padding { get; init; } = WindowPadding.Left;

    /// <summary><see cref="Stride"/>, or its default.</summary>
    internal int Step => Stride == 0 ? Length : Stride;

    /// <summary>The most unknown bases that a window may have.</summary>
    /// <remarks>The small number keeps 1 − 0.7 = 0.30000000000000004 of 100 bases at 30, and 1 − 0.9 of 10 at 1.</remarks>
    internal int UnknownLimit => (int)Math.Floor((1 - MinAcgtFraction) * Length + 1e-9 * Length);

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (Length < 1)
        {
            problems.Add($"Length is {Length}; it must be at least 1");
        }
        if (!(MinAcgtFraction is >= 0 and <= 1))
        {
            problems.Add(FormattableString.Invariant($"MinAcgtFraction is {MinAcgtFraction}; it must be from 0 to 1"));
        }
        if (!Enum.IsDefined(Tail))
        {
            problems.Add($"Tail is {(int)Tail}; it must be Drop, Short or SlideBack");
        }
        if (!Enum.IsDefined(Rule) || !Enum.IsDefined(NPolicy) || !Enum.IsDefined(Padding))
        {
            problems.Add("Rule, NPolicy or Padding is no value of its enumeration");
        }
        if (Stride < 0)
        {
            problems.Add($"Stride is {Stride}; it must be at least 1, or 0 for the window's length");
        }
        if (Jitter < 0 || (Jitter > 0 && Jitter >= Step))
        {
            problems.Add($"Jitter is {Jitter}; it must be at least 0 and less than the stride of {Step}, so that windows stay different");
        }
        if (GapLength < 1)
        {
            problems.Add($"GapLength is {GapLength}; it must be at least 1");
        }
        if (ShiftMax < ShiftMin)
        {
            problems.Add($"ShiftMin is {ShiftMin} and ShiftMax {ShiftMax}; the first must not be larger");
        }
        if (Rule == WindowRule.Caduceus && Length > 0 && (Length > CaduceusRule.Span || CaduceusRule.Span % Length != 0))
        {
            problems.Add($"Length is {Length}; the caduceus rule needs a power of two up to {CaduceusRule.Span}");
        }
        return problems;
    }
}
