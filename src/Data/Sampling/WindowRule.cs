namespace GenoSeq.Data;

/// <summary>How windows are laid over intervals.</summary>
public enum WindowRule
{
    /// <summary>Windows side by side (or at a stride) over all of every interval, never beyond it.</summary>
    Tile,

    /// <summary>One window for each interval, grown or truncated to the window's length: HyenaDNA's rule.</summary>
    Hyena,

    /// <summary>2^20 bases from each interval's start, cut in windows: Caduceus' rule.</summary>
    Caduceus,
}

/// <summary>What a sequential sampler does with the rest of an interval that is shorter than a window.</summary>
public enum TailPolicy
{
    /// <summary>Leaves it out.</summary>
    Drop,

    /// <summary>
    /// Returns it as a shorter window, which a batch pads on the right. Intervals shorter than a window are returned
    /// too.
    /// </summary>
    Short,

    /// <summary>
    /// Moves the last window back so that it is full, and marks the positions already seen as no targets.
    /// </summary>
    SlideBack,
}

/// <summary>What becomes of gaps: long runs of unknown bases, which join stretches that may not belong together.</summary>
public enum GapPolicy
{
    /// <summary>Windows may lie across them.</summary>
    Keep,

    /// <summary>Intervals end at them: no window holds a base of one.</summary>
    Skip,
}

/// <summary>Where padding stands in the row of a window that a contig's end cut short.</summary>
public enum WindowPadding
{
    /// <summary>Behind the last base.</summary>
    Right,

    /// <summary>Before the first base.</summary>
    Left,

    /// <summary>On the side that was cut, so that every base keeps its place in the row.</summary>
    Sides,
}
