namespace GenoSeq.Training.Studies.Report;

/// <summary>How a cell of a table stands among those of its column.</summary>
internal enum StudyMark
{
    /// <summary>It is told from the best, or there is no better and worse.</summary>
    None,

    /// <summary>It is not told from the best.</summary>
    Tie,

    /// <summary>It is the best.</summary>
    Best,
}

/// <summary>A cell of a table.</summary>
/// <param name="Text">Its text.</param>
/// <param name="Mark">How it stands.</param>
/// <param name="Hint">More words, where there is a pointer.</param>
internal sealed record StudyCell(string Text, StudyMark Mark = StudyMark.None, string Hint = "");

/// <summary>A column's head, from the outermost level to the innermost: conditions and their values.</summary>
/// <param name="Levels">Name and value of each level; the name may be empty.</param>
internal sealed record StudyColumn(IReadOnlyList<(string Name, string Value)> Levels)
{
    /// <summary>A column with a plain head.</summary>
    internal static StudyColumn Plain(string head) => new([("", head)]);

    /// <summary>The head in a line.</summary>
    internal string Text => string.Join(", ", Levels.Select(l => l.Name.Length > 0 ? $"{l.Name} {l.Value}" : l.Value));
}

/// <summary>A row.</summary>
/// <param name="Head">Its head.</param>
/// <param name="Cells">A cell for each column.</param>
internal sealed record StudyRow(string Head, IReadOnlyList<StudyCell> Cells);

/// <summary>A table of the report, for any of its written forms.</summary>
/// <param name="Title">Its caption; may be empty.</param>
/// <param name="Corner">Head of the column of row heads.</param>
/// <param name="Columns">Columns, all with the same number of levels.</param>
/// <param name="Rows">Rows.</param>
internal sealed record StudyTable(string Title, string Corner, IReadOnlyList<StudyColumn> Columns, IReadOnlyList<StudyRow> Rows)
{
    /// <summary>Cells are numbers, and stand at the right.</summary>
    internal bool IsNumeric { get; init; } = true;
}
