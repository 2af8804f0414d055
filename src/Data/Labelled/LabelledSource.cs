namespace GenoSeq.Data;

/// <summary>Where on a genome a row's sequence was taken from.</summary>
/// <param name="Interval">The place, 0-based and half-open.</param>
/// <param name="Strand">The strand; on the reverse one the sequence is the reverse complement.</param>
public readonly record struct LabelledSource(GenomeInterval Interval, Strand Strand);
