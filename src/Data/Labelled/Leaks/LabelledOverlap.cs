namespace GenoSeq.Data;

/// <summary>Sequences that two parts of a set share, which makes a test score too good.</summary>
/// <param name="A">One part.</param>
/// <param name="B">The other.</param>
/// <param name="Equal">Different sequences that are in both, case apart.</param>
/// <param name="WithReverseComplements">The same, and those of <paramref name="B"/> whose reverse complement is in <paramref name="A"/>.</param>
/// <param name="RowsOfA">Rows of <paramref name="A"/> with a sequence, on either strand, that <paramref name="B"/> has too.</param>
/// <param name="RowsOfB">Rows of <paramref name="B"/> with a sequence, on either strand, that <paramref name="A"/> has too.</param>
/// <param name="OtherLabel">Those of <paramref name="RowsOfB"/> whose label is not that of every such row of <paramref name="A"/>.</param>
public sealed record LabelledOverlap(
    LabelledPart A, LabelledPart B, int Equal, int WithReverseComplements, int RowsOfA, int RowsOfB, int OtherLabel)
{
    /// <summary>Those of <see cref="RowsOfB"/> that the other part labels alike.</summary>
    public int SameLabel => RowsOfB - OtherLabel;
}
