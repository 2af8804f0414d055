using System.Numerics;
using System.Runtime.CompilerServices;

namespace GenoSeq.Data;

/// <summary>Counts of sequence characters by class.</summary>
internal struct BaseTally
{
    internal long Bases;
    internal long Strong;
    internal long Weak;
    internal long N;
    internal long Lower;
    internal long Foreign;

    internal void Add(in BaseTally other)
    {
        Bases += other.Bases;
        Strong += other.Strong;
        Weak += other.Weak;
        N += other.N;
        Lower += other.Lower;
        Foreign += other.Foreign;
    }

    /// <summary>Counts those of a block whose bit is set in <paramref name="which"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Add(in BlockMasks masks, ulong which)
    {
        Bases += BitOperations.PopCount(masks.Sequence & which);
        Strong += BitOperations.PopCount(masks.Strong & which);
        Weak += BitOperations.PopCount(masks.Weak & which);
        N += BitOperations.PopCount(masks.N & which);
        Lower += BitOperations.PopCount(masks.Lower & which);
        Foreign += BitOperations.PopCount(masks.Foreign & which);
    }
}
