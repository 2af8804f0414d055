using GenoSeq.Data;
using GenoSeq.Models;

namespace GenoSeq.Inference.Embedding;

/// <summary>
/// Which readings of a sequence the model gets, and how their pooled states become a row. A reading is the sequence or its reverse
/// complement; equivariant models treat both alike, so each is a row of a batch of its own.
/// </summary>
internal sealed class StrandReadings
{
    private readonly StrandMode _mode;
    private readonly int _width;
    private readonly bool _equivariant;
    private readonly byte[] _ids = new byte[256];
    private readonly byte[] _complements = new byte[256];

    internal StrandReadings(SequenceModel model, EmbedOptions options)
    {
        Layers = options.LayerNumbers(model.Config);
        Swapped = Array.ConvertAll(Layers, model.StrandsSwapped);
        _mode = options.StrandsOf(model.Config);
        _width = model.Config.DModel;
        _equivariant = model.Config.RcEquivariant;
        Alphabet alphabet = Alphabet.Get(model.Config.Alphabet);
        for (int b = 0; b < 256; b++)
        {
            (_ids[b], _complements[b]) = ((byte)alphabet.Encode((byte)b), (byte)alphabet.Encode(DnaComplement.Of((byte)b)));
        }

        bool forward = Swapped.Any(s => Needs(s ? 1 : 0));
        bool reverse = Swapped.Any(s => Needs(s ? 0 : 1));
        Reversed = forward && reverse ? [false, true] : [reverse];
    }

    /// <summary>The layers, in the order of a row.</summary>
    internal int[] Layers { get; }

    /// <summary>For each layer, whether the strands have changed places.</summary>
    internal bool[] Swapped { get; }

    /// <summary>The readings: whether each is the reverse complement.</summary>
    internal bool[] Reversed { get; }

    /// <summary>Numbers of a row.</summary>
    internal int RowWidth => Layers.Length * _width * (_mode == StrandMode.Concat ? 2 : 1);

    /// <summary>The ids of a reading.</summary>
    /// <param name="bases">The sequence.</param>
    /// <param name="reading">Which, of <see cref="Reversed"/>.</param>
    /// <param name="ids">As long as the sequence; filled.</param>
    internal void Encode(ReadOnlySpan<byte> bases, int reading, Span<byte> ids)
    {
        bool reverse = Reversed[reading];
        ReadOnlySpan<byte> table = reverse ? _complements : _ids;
        for (int t = 0; t < bases.Length; t++)
        {
            ids[t] = table[bases[t]];
        }

        if (reverse)
        {
            ids[..bases.Length].Reverse();
        }
    }

    /// <summary>Joins the readings' rows of one layer.</summary>
    /// <param name="index">Which of the layers.</param>
    /// <param name="readings">For each reading [rows, d_model], in the order of the sequence's positions.</param>
    /// <param name="into">[rows, <see cref="RowWidth"/>]; the layer's part is filled.</param>
    internal void Join(int index, float[][] readings, Span<float> into)
    {
        int rows = readings[0].Length / _width;
        int part = RowWidth / Layers.Length;
        var other = new float[_mode == StrandMode.Average ? _width : 0];
        for (int r = 0; r < rows; r++)
        {
            Span<float> row = into.Slice((r * RowWidth) + (index * part), part);
            switch (_mode)
            {
                case StrandMode.Forward:
                    Strand(index, false, readings, r, row);
                    break;
                case StrandMode.Rc:
                    Strand(index, true, readings, r, row);
                    break;
                case StrandMode.Concat:
                    Strand(index, false, readings, r, row[.._width]);
                    Strand(index, true, readings, r, row[_width..]);
                    if (_equivariant)
                    {
                        row[_width..].Reverse();
                    }

                    break;
                default:
                    Strand(index, false, readings, r, row);
                    Strand(index, true, readings, r, other);
                    for (int c = 0; c < _width; c++)
                    {
                        row[c] = 0.5f * (row[c] + other[c]);
                    }

                    break;
            }
        }
    }

    // Whether the mode needs strand 0 (forward) or 1.
    private bool Needs(int strand) => _mode is StrandMode.Average or StrandMode.Concat || (_mode == StrandMode.Rc) == (strand == 1);

    private void Strand(int index, bool reverse, float[][] readings, int row, Span<float> into)
    {
        int reading = Array.IndexOf(Reversed, reverse != Swapped[index]);
        readings[reading].AsSpan(row * _width, _width).CopyTo(into);
        if (Swapped[index])
        {
            into.Reverse();
        }
    }
}
