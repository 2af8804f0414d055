using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace GenoSeq.Data;

/// <summary>Copies the bases out of raw lines of equal width.</summary>
internal static class FastaLines
{
    /// <summary>Drops the line ends from raw bytes.</summary>
    /// <param name="raw">Consecutive bytes of a record.</param>
    /// <param name="column">Where in its line the first raw byte stands; below <paramref name="lineWidth"/>. Updated to
    /// the column of the byte after the last.</param>
    /// <param name="lineBases">Bases of a whole line.</param>
    /// <param name="lineWidth">Bytes of a whole line, its end included.</param>
    /// <param name="destination">Receives the bases; must hold all of them.</param>
    /// <returns>How many bases were copied.</returns>
    internal static int Copy(
        ReadOnlySpan<byte> raw, ref long column, long lineBases, long lineWidth, Span<byte> destination)
    {
        int from = 0;
        int to = 0;
        while (from < raw.Length)
        {
            if (column == 0 && lineWidth <= 2 * Vector512<byte>.Count)
            {
                int lines = CopyShortLines(raw[from..], (int)lineBases, (int)lineWidth, destination[to..]);
                from += lines * (int)lineWidth;
                to += lines * (int)lineBases;
                if (from == raw.Length)
                {
                    break;
                }
            }
            if (column < lineBases)
            {
                int bases = (int)Math.Min(lineBases - column, raw.Length - from);
                raw.Slice(from, bases).CopyTo(destination[to..]);
                from += bases;
                to += bases;
                column += bases;
            }
            int skip = (int)Math.Min(lineWidth - column, raw.Length - from);
            from += skip;
            column += skip;
            column = column == lineWidth ? 0 : column;
        }
        return to;
    }

    // One or two whole vectors a line; what is written past a line is overwritten by the next one, and the last lines,
    // for which there is no room, are left to the caller. Returns how many lines were copied.
    private static int CopyShortLines(ReadOnlySpan<byte> raw, int bases, int width, Span<byte> destination)
    {
        int reach = bases <= Vector512<byte>.Count ? Vector512<byte>.Count : 2 * Vector512<byte>.Count;
        int lines = Math.Min(Room(raw.Length, Math.Max(reach, width), width), Room(destination.Length, reach, bases));
        ref byte source = ref MemoryMarshal.GetReference(raw);
        ref byte target = ref MemoryMarshal.GetReference(destination);
        if (reach == Vector512<byte>.Count)
        {
            for (int i = 0; i < lines; i++)
            {
                Vector512.LoadUnsafe(ref source).StoreUnsafe(ref target);
                source = ref Unsafe.Add(ref source, width);
                target = ref Unsafe.Add(ref target, bases);
            }
        }
        else
        {
            for (int i = 0; i < lines; i++)
            {
                Vector512<byte> low = Vector512.LoadUnsafe(ref source);
                Vector512.LoadUnsafe(ref source, (nuint)Vector512<byte>.Count).StoreUnsafe(ref target, (nuint)Vector512<byte>.Count);
                low.StoreUnsafe(ref target);
                source = ref Unsafe.Add(ref source, width);
                target = ref Unsafe.Add(ref target, bases);
            }
        }
        return lines;
    }

    // Steps that may be taken so that the reach of every step stays inside the length.
    private static int Room(int length, int reach, int step) => length < reach ? 0 : ((length - reach) / step) + 1;
}
