namespace GenoSeq.Data;

/// <summary>Type of a table's column.</summary>
public enum TableType
{
    /// <summary>Text.</summary>
    Text,

    /// <summary>64-bit whole numbers.</summary>
    Integer,

    /// <summary>Double precision numbers.</summary>
    Number,
}

/// <summary>A column of a table that is written.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
public readonly record struct TableColumn(string Name, TableType Type = TableType.Text);

/// <summary>One value of a table: text, a whole number, a number, or nothing.</summary>
public readonly struct TableCell : IEquatable<TableCell>
{
    private readonly object? _text;
    private readonly double _number;
    private readonly long _integer;

    /// <summary>Text; null: nothing.</summary>
    public TableCell(string? text) => (_text, HasValue) = (text, text is not null);

    /// <summary>A whole number; null: nothing.</summary>
    public TableCell(long? value) => (_integer, HasValue) = (value ?? 0, value is not null);

    /// <summary>A number; NaN and null: nothing.</summary>
    public TableCell(double? value) => (_number, HasValue) = (value ?? double.NaN, value is { } v && !double.IsNaN(v));

    /// <summary>False for nothing.</summary>
    public bool HasValue { get; }

    /// <summary>The text; empty for other values.</summary>
    public string Text => _text as string ?? "";

    /// <summary>The whole number; 0 for other values.</summary>
    public long Integer => _integer;

    /// <summary>The number; 0 for other values but NaN for nothing.</summary>
    public double Number => _number;

    /// <summary>Text as a cell.</summary>
    public static implicit operator TableCell(string? text) => new(text);

    /// <summary>A whole number as a cell.</summary>
    public static implicit operator TableCell(long value) => new((long?)value);

    /// <summary>A number as a cell.</summary>
    public static implicit operator TableCell(double value) => new((double?)value);

    /// <inheritdoc/>
    public bool Equals(TableCell other) => Text == other.Text && _integer == other._integer && _number.Equals(other._number) && HasValue == other.HasValue;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TableCell other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Text, _integer, _number, HasValue);

    /// <summary>Equality of values.</summary>
    public static bool operator ==(TableCell left, TableCell right) => left.Equals(right);

    /// <summary>Inequality of values.</summary>
    public static bool operator !=(TableCell left, TableCell right) => !left.Equals(right);
}
