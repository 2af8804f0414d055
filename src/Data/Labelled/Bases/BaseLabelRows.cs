using System.Globalization;

namespace GenoSeq.Data;

/// <summary>
/// Labels of bases as they are read: of every row a number for each base, those of the labels in the order in which they
/// first stood, or <see cref="Ignored"/>.
/// </summary>
/// <remarks>
/// A text with a blank, comma or semicolon is a list of labels; any other one has a character for each base. <c>.</c> and
/// <c>-1</c> are bases without a label, which count for nothing.
/// </remarks>
internal sealed class BaseLabelRows(long maxBytesInMemory) : IDisposable
{
    internal const byte Ignored = 255;
    private const int MostLabels = 254;

    private readonly List<int> _parts = [];
    private byte[] _buffer = [];

    /// <summary>Rows in their order.</summary>
    internal SequenceStore Rows { get; } = new(maxBytesInMemory);

    /// <summary>Whether any row of a part has a label.</summary>
    internal bool Has(int label, LabelledPart part) => (_parts[label] & (1 << (int)part)) != 0;

    /// <summary>Adds a row.</summary>
    /// <param name="text">Its labels.</param>
    /// <param name="length">Bases of its sequence.</param>
    /// <param name="part">Its part.</param>
    /// <param name="texts">Where labels are named.</param>
    /// <param name="file">Its file's number.</param>
    /// <param name="line">Its line.</param>
    /// <param name="where">The place in words.</param>
    /// <exception cref="InputDataException">There are more or fewer labels than bases, or an empty one, or too many different ones.</exception>
    internal void Add(ReadOnlySpan<byte> text, int length, LabelledPart part, LabelTexts texts, int file, long line, string where)
    {
        if (_buffer.Length < length)
        {
            _buffer = new byte[Math.Max(length, 2 * _buffer.Length)];
        }

        Span<byte> labels = _buffer.AsSpan(0, length);
        int count = text.IndexOfAny(" ,;"u8) >= 0 ? List(text, labels, part, texts, file, line, where) : Characters(text, labels, part, texts, file, line);
        if (count != length)
        {
            throw new InputDataException(string.Create(CultureInfo.InvariantCulture, $"there are {count} labels for {length} bases"), where,
                "a label for each base: a character each, or a list with blanks, commas or semicolons between", "'.' for bases without a label");
        }

        Rows.Add(labels);
    }

    /// <summary>Adds a row whose labels are numbers of texts already.</summary>
    internal void Add(ReadOnlySpan<byte> labels, LabelledPart part)
    {
        foreach (byte label in labels)
        {
            if (label != Ignored)
            {
                Note(label, part);
            }
        }

        Rows.Add(labels);
    }

    /// <summary>The number of a label, which is added if it is new.</summary>
    internal static byte NumberOf(ReadOnlySpan<byte> text, LabelTexts texts, int file, long line)
    {
        int label = texts.Add(text, file, line);
        if (label >= MostLabels)
        {
            throw new InputDataException($"there are more than {MostLabels} different labels", texts.WhereOf(label), $"at most {MostLabels} classes of bases",
                "check that the right column has the labels");
        }

        return (byte)label;
    }

    public void Dispose() => Rows.Dispose();

    private int Characters(ReadOnlySpan<byte> text, Span<byte> labels, LabelledPart part, LabelTexts texts, int file, long line)
    {
        for (int i = 0; i < text.Length && i < labels.Length; i++)
        {
            labels[i] = Label(text.Slice(i, 1), part, texts, file, line);
        }

        return text.Length;
    }

    private int List(ReadOnlySpan<byte> text, Span<byte> labels, LabelledPart part, LabelTexts texts, int file, long line, string where)
    {
        int count = 0;
        while (true)
        {
            // A separator may stand between blanks; blanks alone separate too.
            text = text.TrimStart((byte)' ');
            int end = text.IndexOfAny(" ,;"u8);
            ReadOnlySpan<byte> token = end < 0 ? text : text[..end];
            if (token.IsEmpty)
            {
                throw new InputDataException(string.Create(CultureInfo.InvariantCulture, $"the label of base {count + 1} is empty"), where,
                    "a label for each base", "'.' for bases without a label");
            }

            if (count < labels.Length)
            {
                labels[count] = Label(token, part, texts, file, line);
            }

            count++;
            if (end < 0)
            {
                return count;
            }

            text = text[end..].TrimStart((byte)' ');
            text = text[0] is (byte)',' or (byte)';' ? text[1..] : text;
        }
    }

    private byte Label(ReadOnlySpan<byte> token, LabelledPart part, LabelTexts texts, int file, long line)
    {
        if (token.SequenceEqual("."u8) || token.SequenceEqual("-1"u8))
        {
            return Ignored;
        }

        byte label = NumberOf(token, texts, file, line);
        Note(label, part);
        return label;
    }

    private void Note(int label, LabelledPart part)
    {
        while (_parts.Count <= label)
        {
            _parts.Add(0);
        }

        _parts[label] |= 1 << (int)part;
    }
}
