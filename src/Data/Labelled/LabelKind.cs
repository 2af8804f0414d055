namespace GenoSeq.Data;

/// <summary>What the labels of a set are.</summary>
public enum LabelKind
{
    /// <summary>There are none: an interval table that names places only.</summary>
    None,

    /// <summary>One class a row.</summary>
    Class,

    /// <summary>One or more real numbers a row (regression).</summary>
    Number,

    /// <summary>One class for each base of a row (splice sites, segmentation); bases may be without one.</summary>
    PerBase,

    /// <summary>Any number of classes a row; stored as 0 or 1 for each class.</summary>
    MultiLabel,
}
