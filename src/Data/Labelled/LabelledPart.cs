namespace GenoSeq.Data;

/// <summary>What a row of a labelled set is for.</summary>
public enum LabelledPart
{
    /// <summary>Fitting.</summary>
    Train,

    /// <summary>Choosing: validation.</summary>
    Dev,

    /// <summary>Judging, once.</summary>
    Test,
}
