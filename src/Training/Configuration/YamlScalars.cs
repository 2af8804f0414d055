using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace GenoSeq.Training.Configuration;

/// <summary>Types of plain scalars: the YAML 1.2 core schema, and digit groups.</summary>
/// <remarks>
/// <list type="bullet">
/// <item>null: <c>null Null NULL ~</c> and nothing at all; bool: <c>true True TRUE false False FALSE</c> (<c>yes</c> and <c>on</c> are words).</item>
/// <item>int: decimal, <c>0o17</c>, <c>0xff</c>; float: <c>1.5 .5 1e-3</c>.</item>
/// <item>Beyond the core schema, single underscores between digits group them (<c>1_048_576</c>), since contexts are that long.</item>
/// <item><c>.inf</c> and <c>.nan</c> are refused: JSON has no such numbers, and null says "none" better.</item>
/// </list>
/// </remarks>
public static partial class YamlScalars
{
    /// <summary>The typed value of a plain (unquoted) scalar, null for YAML's null.</summary>
    /// <exception cref="FormatException">The number is not finite or has more than 64 bits.</exception>
    public static JsonNode? Resolve(string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return null;
            case "true" or "True" or "TRUE":
                return JsonValue.Create(true);
            case "false" or "False" or "FALSE":
                return JsonValue.Create(false);
            default:
                break;
        }

        if (!(char.IsAsciiDigit(text[0]) || text[0] is '+' or '-' or '.'))
        {
            return JsonValue.Create(text);
        }

        if (IntegerPattern().IsMatch(text))
        {
            return Integer(text.Replace("_", string.Empty, StringComparison.Ordinal));
        }

        if (RadixPattern().IsMatch(text))
        {
            return Radix(text);
        }

        if (FloatPattern().IsMatch(text))
        {
            return Real(text.Replace("_", string.Empty, StringComparison.Ordinal), text);
        }

        return NonFinitePattern().IsMatch(text) ? throw NonFinite(text) : JsonValue.Create(text);
    }

    private static JsonValue Integer(string digits)
    {
        if (long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value))
        {
            return JsonValue.Create(value);
        }

        return ulong.TryParse(digits.TrimStart('+'), NumberStyles.None, CultureInfo.InvariantCulture, out ulong large)
            ? JsonValue.Create(large)
            : throw new FormatException($"the integer {digits} does not fit in 64 bits");
    }

    private static JsonValue Radix(string text)
    {
        try
        {
            return JsonValue.Create(Convert.ToInt64(text[2..], text[1] == 'x' ? 16 : 8));
        }
        catch (OverflowException)
        {
            throw new FormatException($"the integer {text} does not fit in 64 bits");
        }
    }

    private static JsonValue Real(string digits, string text)
    {
        double value = double.Parse(digits, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsFinite(value) ? JsonValue.Create(value) : throw NonFinite(text);
    }

    private static FormatException NonFinite(string text) =>
        new($"the number {text} is not finite; write null for \"none\", or quote it if it is a word");

    [GeneratedRegex(@"^[-+]?[0-9]+(_[0-9]+)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex IntegerPattern();

    [GeneratedRegex(@"^0(o[0-7]+|x[0-9a-fA-F]+)\z", RegexOptions.CultureInvariant)]
    private static partial Regex RadixPattern();

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(_[0-9]+)*(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex FloatPattern();

    [GeneratedRegex(@"^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\z", RegexOptions.CultureInvariant)]
    private static partial Regex NonFinitePattern();
}
