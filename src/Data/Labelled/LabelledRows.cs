using System.Buffers;
using System.Globalization;

namespace GenoSeq.Data;

/// <summary>Collects the rows of a labelled set as its files are read, and checks each.</summary>
internal sealed class LabelledRows(LabelledSetOptions options) : IDisposable
{
    private static readonly SearchValues<byte> s_letters = SearchValues.Create("ACGTUNRYSWKMBDHVacgtunryswkmbdhv"u8);

    private readonly SequenceStore _ids = new(long.MaxValue);
    private byte[] _baseText = [];
    private int _baseTextLength = -1;
    private bool _hasIds;
    private bool _hasSources;

    internal SequenceStore First { get; } = new(options.MaxBytesInMemory);

    internal SequenceStore? Second { get; private set; }

    internal SequenceStore? Ids => _hasIds ? _ids : null;

    /// <summary>Labels of bases; null of any other kind.</summary>
    internal BaseLabelRows? Bases { get; private set; } = options.Kind == LabelKind.PerBase || options.Tracks.Count > 0 ? new(options.MaxBytesInMemory) : null;

    /// <summary>Labels of places, read with the first table.</summary>
    internal BaseTracks? Tracks { get; set; }

    internal List<LabelledPart> Parts { get; } = [];

    internal List<LabelledSource>? Sources { get; private set; }

    internal List<string> Files { get; } = [];

    internal LabelTexts Texts { get; } = new();

    /// <summary>Index into <see cref="Texts"/> of every label, row by row.</summary>
    internal List<int> Labels { get; } = [];

    /// <summary>Names of the label columns; null before the first file.</summary>
    internal string[]? LabelColumns { get; private set; }

    /// <summary>What to call the row's place in messages.</summary>
    internal string Where(long line) => string.Create(CultureInfo.InvariantCulture, $"{Files[^1]}, line {line}");

    /// <summary>A new file begins; its rows must look like those of the files before.</summary>
    internal void BeginFile(string name, string[] labelColumns, bool pairs, bool sources)
    {
        Files.Add(name);
        if (LabelColumns is null)
        {
            LabelColumns = labelColumns;
            Second = pairs ? new SequenceStore(options.MaxBytesInMemory) : null;
            Sources = sources ? [] : null;
            _hasSources = sources;
        }
        else if (!labelColumns.AsSpan().SequenceEqual(LabelColumns) || pairs != (Second is not null) || sources != _hasSources)
        {
            throw new InputDataException("the file is of another kind than the files before", name,
                $"the same columns as in {Files[0]}", "keep one kind of file in a set");
        }
    }

    internal void AddLabel(ReadOnlySpan<byte> text, long line)
    {
        text = AsciiText.Trim(text);
        if (text.IsEmpty)
        {
            throw new InputDataException("the label is empty", Where(line), "a label for every row");
        }
        if (Bases is null)
        {
            Labels.Add(Texts.Add(text, Files.Count - 1, line));
            return;
        }
        // They are read once the sequence is known.
        if (_baseText.Length < text.Length)
        {
            _baseText = new byte[Math.Max(text.Length, 2 * _baseText.Length)];
        }
        text.CopyTo(_baseText);
        _baseTextLength = text.Length;
    }

    /// <summary>Labels of the bases of the row that ends next, as <see cref="BaseTracks"/> has them.</summary>
    internal void AddBases(ReadOnlySpan<byte> labels, LabelledPart part) => Bases!.Add(labels, part);

    /// <summary>Ends a row, after its labels.</summary>
    internal void Add(
        LabelledPart part, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> id, LabelledSource source, long line)
    {
        CheckSequence(first, line);
        if (Parts.Count == Array.MaxLength)
        {
            throw new InputDataException($"the set has more than {Array.MaxLength} rows", Where(line), "fewer rows");
        }
        if (_baseTextLength >= 0)
        {
            Bases!.Add(_baseText.AsSpan(0, _baseTextLength), first.Length, part, Texts, Files.Count - 1, line, Where(line));
            _baseTextLength = -1;
        }
        First.Add(first);
        if (Second is not null)
        {
            CheckSequence(second, line);
            Second.Add(second);
        }
        _hasIds |= !id.IsEmpty;
        _ids.Add(id);
        Sources?.Add(source);
        Parts.Add(part);
    }

    public void Dispose()
    {
        First.Dispose();
        Second?.Dispose();
        _ids.Dispose();
        Bases?.Dispose();
    }

    private void CheckSequence(ReadOnlySpan<byte> sequence, long line)
    {
        if (sequence.IsEmpty)
        {
            throw new InputDataException("the sequence is empty", Where(line), "at least one base in every row",
                "remove the row");
        }
        int bad = sequence.IndexOfAnyExcept(s_letters);
        if (bad >= 0)
        {
            throw new InputDataException(
                $"{AsciiText.Shown(sequence.Slice(bad, 1))} at position {bad + 1} of the sequence is no nucleotide", Where(line),
                "IUPAC letters (ACGTU, N, RYSWKMBDHV)",
                sequence[bad] is (byte)'-' or (byte)'.' ? "remove gaps from the sequence" : "check that the right column is the sequence");
        }
    }
}
