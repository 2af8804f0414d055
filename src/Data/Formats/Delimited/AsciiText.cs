using System.Buffers.Text;
using System.Text;

namespace GenoSeq.Data;

/// <summary>Numbers and words in bytes of text tables.</summary>
internal static class AsciiText
{
    private const int LongestShown = 40;

    /// <summary>A whole number of digits only, up to 10^18 - 1, so that no sum of two overflows.</summary>
    internal static bool TryParseWhole(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        if (text.Length is 0 or > 18)
        {
            return false;
        }
        long sum = 0;
        foreach (byte b in text)
        {
            uint digit = (uint)b - '0';
            if (digit > 9)
            {
                return false;
            }
            sum = (sum * 10) + digit;
        }
        value = sum;
        return true;
    }

    /// <summary>A finite decimal number that takes up all of the text.</summary>
    internal static bool TryParseFinite(ReadOnlySpan<byte> text, out double value)
    {
        if (!text.IsEmpty && text[0] == '+')
        {
            text = text[1..];
            if (!text.IsEmpty && text[0] is (byte)'+' or (byte)'-')
            {
                value = 0;
                return false;
            }
        }
        return Utf8Parser.TryParse(text, out value, out int used) && used == text.Length && double.IsFinite(value);
    }

    internal static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(" \t"u8);

    /// <summary>The text in quotes as a message shows it: its beginning, control characters replaced.</summary>
    internal static string Shown(ReadOnlySpan<byte> text)
    {
        string start = Encoding.UTF8.GetString(text[..Math.Min(text.Length, LongestShown)]);
        var shown = new StringBuilder("'");
        foreach (char c in start)
        {
            shown.Append(char.IsControl(c) ? '?' : c);
        }
        return shown.Append(text.Length > LongestShown ? "...'" : "'").ToString();
    }

    internal static bool EqualsIgnoreCase(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word) =>
        Ascii.EqualsIgnoreCase(text, word);
}
