namespace GenoSeq.Data;

/// <summary>Buffers of one thread that makes rows.</summary>
internal sealed class RowScratch(int length)
{
    private byte[] _bases = [];
    private double[] _numbers = [];
    private int[] _places = [];

    /// <summary>[length + 1]</summary>
    internal int[] Text { get; } = new int[length + 1];

    internal Span<byte> Bases(int count) => Of(ref _bases, count);

    internal Span<double> Numbers(int count) => Of(ref _numbers, count);

    internal Span<int> Places(int count) => Of(ref _places, count);

    private static Span<T> Of<T>(ref T[] buffer, int count)
    {
        if (buffer.Length < count)
        {
            buffer = new T[count];
        }
        return buffer.AsSpan(0, count);
    }
}

/// <summary>
/// A row in the making: one token more than the inputs have, since the label of the last input is the token behind it.
/// </summary>
/// <param name="text">[length + 1], what is to be written.</param>
/// <param name="labels">[length], all ignored.</param>
/// <param name="scratch">The thread's buffers.</param>
internal readonly ref struct RowText(Span<int> text, Span<int> labels, RowScratch scratch)
{
    /// <summary>[length + 1]</summary>
    internal Span<int> Text { get; } = text;

    /// <summary>[length]</summary>
    internal Span<int> Labels { get; } = labels;

    internal RowScratch Scratch { get; } = scratch;

    /// <summary>Tokens of the text, as written by now, that the model is asked for: each is the label of the token before it.</summary>
    internal void Answer(int start, int count) => Text.Slice(start, count).CopyTo(Labels.Slice(start - 1, count));
}
