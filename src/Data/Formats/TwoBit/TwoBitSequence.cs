namespace GenoSeq.Data;

/// <summary>Tables of one sequence of a 2bit file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bases">Number of bases.</param>
/// <param name="Unknown">Where N stands.</param>
/// <param name="Masked">Where letters are lower case.</param>
/// <param name="Offset">First byte of the sequence's record in the file.</param>
/// <param name="PackedOffset">First byte of its packed bases.</param>
/// <param name="End">One past their last byte.</param>
internal sealed record TwoBitSequence(
    string Name, uint Bases, TwoBitBlocks Unknown, TwoBitBlocks Masked, long Offset, long PackedOffset, long End);

/// <summary>Sorted stretches of a sequence that do not overlap.</summary>
/// <param name="Starts">First base of each.</param>
/// <param name="Ends">One past the last base of each.</param>
internal readonly record struct TwoBitBlocks(uint[] Starts, uint[] Ends)
{
    /// <summary>Bases in all blocks.</summary>
    internal long Total
    {
        get
        {
            long total = 0;
            for (int i = 0; i < Starts.Length; i++)
            {
                total += Ends[i] - Starts[i];
            }
            return total;
        }
    }

    /// <summary>Index of the first block that ends after a base.</summary>
    internal int FirstAfter(long position)
    {
        int low = 0;
        int high = Ends.Length;
        while (low < high)
        {
            int middle = (int)(((uint)low + (uint)high) / 2);
            if (Ends[middle] > position)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }
        return low;
    }
}
