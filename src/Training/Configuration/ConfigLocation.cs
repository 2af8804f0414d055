namespace GenoSeq.Training.Configuration;

/// <summary>Where a configuration value was written.</summary>
/// <param name="Source">A file path, or words such as <c>preset tiny</c> or <c>override 'train.steps=500'</c>.</param>
/// <param name="Line">Line from 1, or 0 where the source has no lines.</param>
/// <param name="Column">Column from 1, or 0 where the source has no lines.</param>
public readonly record struct ConfigLocation(string Source, int Line = 0, int Column = 0)
{
    /// <summary>The form that editors and compilers use: <c>file:line:column</c>, or the source alone.</summary>
    public override string ToString() => Line > 0 ? FormattableString.Invariant($"{Source}:{Line}:{Column}") : Source;
}
