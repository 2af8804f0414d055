namespace GenoSeq.Training.Configuration;

/// <summary>A configuration record that can check itself beyond the types of its values.</summary>
public interface IValidated
{
    /// <summary>Every problem of this record's own values at once; nothing when it is sound.</summary>
    /// <remarks>
    /// The binder visits nested records itself, so only own problems are returned. A problem that begins with one of the
    /// record's keys and a colon (<c>"d_model: must be a multiple of n_head"</c>) is reported at that key's path and line;
    /// any other at the record's.
    /// </remarks>
    public IEnumerable<string> Validate();
}
