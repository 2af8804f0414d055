namespace GenoSeq.Data;

/// <summary>Sequences that a part has more than once.</summary>
/// <param name="Part">The part.</param>
/// <param name="Equal">Rows beyond the first of a sequence, case apart.</param>
/// <param name="ReverseOnly">Rows whose reverse complement stands above them, but not the sequence itself.</param>
/// <param name="OtherLabel">Rows of both kinds whose label is not that of the first.</param>
public sealed record LabelledRepeats(LabelledPart Part, int Equal, int ReverseOnly, int OtherLabel);
