namespace GenoSeq.Training.Configuration;

/// <summary>A key that this one replaces: whoever still writes it is told the present one.</summary>
/// <param name="name">The former key.</param>
/// <param name="change">How its value becomes the present one; empty: it stays as it was.</param>
[AttributeUsage(AttributeTargets.Property, AllowMultiple = true)]
public sealed class FormerNameAttribute(string name, string change = "") : Attribute
{
    /// <summary>The former key.</summary>
    public string Name { get; } = name;

    /// <summary>How its value becomes the present one; empty: it stays as it was.</summary>
    public string Change { get; } = change;
}
