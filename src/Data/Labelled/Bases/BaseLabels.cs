namespace GenoSeq.Data;

/// <summary>The classes of all bases of a set's rows.</summary>
/// <param name="rows">A number for each base, or <see cref="BaseLabelRows.Ignored"/>.</param>
/// <param name="classOf">The class of each number.</param>
internal sealed class BaseLabels(SequenceStore rows, int[] classOf) : IDisposable
{
    /// <summary>Classes of a stretch of a row; -1 for bases that count for nothing.</summary>
    internal void Copy(int row, int start, Span<int> classes)
    {
        ReadOnlySpan<byte> labels = rows.Get(row).Slice(start, classes.Length);
        for (int i = 0; i < classes.Length; i++)
        {
            classes[i] = labels[i] == BaseLabelRows.Ignored ? -1 : classOf[labels[i]];
        }
    }

    /// <summary>Adds a row's bases of each class.</summary>
    internal void Count(int row, long[] counts)
    {
        foreach (byte label in rows.Get(row))
        {
            if (label != BaseLabelRows.Ignored)
            {
                counts[classOf[label]]++;
            }
        }
    }

    /// <summary>Whether two rows have the same labels, in the same or in opposite reading directions.</summary>
    internal bool Same(int row, int other)
    {
        ReadOnlySpan<byte> a = rows.Get(row), b = rows.Get(other);
        if (a.SequenceEqual(b))
        {
            return true;
        }

        for (int i = 0; i < a.Length; i++)
        {
            if (a.Length != b.Length || a[i] != b[^(i + 1)])
            {
                return false;
            }
        }

        return true;
    }

    public void Dispose() => rows.Dispose();
}
