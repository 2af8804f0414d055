using GenoSeq.Data;

namespace GenoSeq.Training.FineTuning;

/// <summary>A stretch of a row's sequence that the model reads at once.</summary>
/// <param name="Row">Row of the set.</param>
/// <param name="Start">First base.</param>
/// <param name="Length">Number of bases.</param>
internal readonly record struct Example(int Row, int Start, int Length)
{
    /// <summary>The stretches of rows, in the order of the rows: one a row, or several where long rows are cut in windows.</summary>
    /// <param name="set">The set.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="maxLength">Longest stretch; 0: no limit.</param>
    /// <param name="tooLong">What becomes of longer rows.</param>
    /// <exception cref="InputDataException">A row is too long, and that is an error.</exception>
    internal static Example[] Of(LabelledSet set, IEnumerable<int> rows, int maxLength, TooLong tooLong)
    {
        var examples = new List<Example>();
        foreach (int row in rows)
        {
            int length = set.GetLength(row);
            if (maxLength == 0 || length <= maxLength)
            {
                examples.Add(new Example(row, 0, length));
                continue;
            }

            switch (tooLong)
            {
                case TooLong.Truncate:
                    examples.Add(new Example(row, 0, maxLength));
                    break;
                case TooLong.Window:
                    // The last window ends with the sequence, so that all are of one length.
                    for (int start = 0; start < length; start += maxLength)
                    {
                        examples.Add(new Example(row, Math.Min(start, length - maxLength), maxLength));
                    }

                    break;
                default:
                    throw new InputDataException(FormattableString.Invariant($"row {set.GetId(row)} has {length} bases"), set.Name,
                        FormattableString.Invariant($"at most {maxLength} (finetune.max_length)"), "finetune.too_long=truncate or window, or a larger finetune.max_length");
            }
        }

        return [.. examples];
    }
}
