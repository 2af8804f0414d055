namespace GenoSeq.Inference.Scoring;

/// <summary>Which strand of a sequence a model reads.</summary>
public enum StrandUse
{
    /// <summary>The sequence as it stands.</summary>
    Forward,

    /// <summary>Its reverse complement; results are given at the bases of the sequence as it stands.</summary>
    Rc,

    /// <summary>Both, one after the other: the mean of the two results.</summary>
    Average,
}
