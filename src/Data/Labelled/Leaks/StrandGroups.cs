using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace GenoSeq.Data;

/// <summary>Rows of a set by sequence, strand apart: two rows are of one group if their sequences are equal or reverse complements.</summary>
/// <remarks>
/// A row's canonical strand is the one that sorts first; half a SHA-256 of it finds the group, and a comparison of the
/// letters confirms it, so that a collision costs time and nothing else. Case does not matter, and U is T. Of a pair,
/// both sequences are reversed, each in its place.
/// </remarks>
internal sealed class StrandGroups
{
    private readonly LabelledSet _set;
    private byte[] _canonical = [];
    private byte[] _other = [];
    private byte[] _compared = [];

    internal StrandGroups(LabelledSet set, Digest? digest = null)
    {
        _set = set;
        digest ??= HalfSha256;
        GroupOf = new int[set.Count];
        Reversed = new bool[set.Count];
        var newest = new Dictionary<UInt128, int>();
        var firstRow = new List<int>();
        var older = new List<int>();
        for (int row = 0; row < set.Count; row++)
        {
            ReadOnlySpan<byte> text = Canonical(row, ref _canonical, out Reversed[row]);
            ref int head = ref CollectionsMarshal.GetValueRefOrAddDefault(newest, digest(text), out bool known);
            int group = known ? head : -1;
            while (group >= 0 && !text.SequenceEqual(Canonical(firstRow[group], ref _compared, out _)))
            {
                group = older[group];
            }
            if (group < 0)
            {
                group = firstRow.Count;
                firstRow.Add(row);
                older.Add(known ? head : -1);
                head = group;
            }
            GroupOf[row] = group;
        }
        Count = firstRow.Count;
    }

    internal delegate UInt128 Digest(ReadOnlySpan<byte> text);

    /// <summary>Number of groups.</summary>
    internal int Count { get; }

    /// <summary>Group of each row, numbered by first appearance.</summary>
    internal int[] GroupOf { get; }

    /// <summary>True for a row whose canonical strand is the reverse; never for a palindrome.</summary>
    internal bool[] Reversed { get; }

    private static UInt128 HalfSha256(ReadOnlySpan<byte> text)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text, digest);
        return MemoryMarshal.Read<UInt128>(digest);
    }

    private ReadOnlySpan<byte> Canonical(int row, ref byte[] buffer, out bool reversed)
    {
        ReadOnlySpan<byte> first = _set.GetSequence(row);
        ReadOnlySpan<byte> second = _set.GetSecondSequence(row);
        int length = first.Length + second.Length + 1;
        Span<byte> forward = Room(ref buffer, length);
        Span<byte> reverse = Room(ref _other, length);
        Put(first, forward, reverse);
        forward[first.Length] = reverse[first.Length] = (byte)'/';
        Put(second, forward[(first.Length + 1)..], reverse[(first.Length + 1)..]);
        reversed = reverse.SequenceCompareTo(forward) < 0;
        if (reversed)
        {
            reverse.CopyTo(forward);
        }
        return forward;
    }

    private static void Put(ReadOnlySpan<byte> sequence, Span<byte> forward, Span<byte> reverse)
    {
        for (int i = 0; i < sequence.Length; i++)
        {
            // Letters only, so one bit is the case; U and T are the same base.
            byte b = (byte)(sequence[i] & 0xDF);
            forward[i] = b == 'U' ? (byte)'T' : b;
        }
        reverse = reverse[..sequence.Length];
        forward[..sequence.Length].CopyTo(reverse);
        DnaComplement.ReverseComplementInPlace(reverse);
    }

    private static Span<byte> Room(ref byte[] buffer, int length)
    {
        if (buffer.Length < length)
        {
            buffer = new byte[Math.Max(length, 2 * buffer.Length)];
        }
        return buffer.AsSpan(0, length);
    }
}
