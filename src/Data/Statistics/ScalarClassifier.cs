using System.Runtime.CompilerServices;

namespace GenoSeq.Data;

/// <summary>The classifier for machines without wide vectors, and the reference of the others.</summary>
internal readonly struct ScalarClassifier(SequenceLetters letters) : IBlockClassifier
{
    private readonly byte[] _table = ByteClasses.Table(letters);

    public void Classify(ref byte source, out BlockMasks masks)
    {
        masks = default;
        for (int i = 0; i < 64; i++)
        {
            byte b = Unsafe.Add(ref source, i);
            int c = b < 128 ? _table[b] : 0;
            masks.Sequence |= (ulong)(c & 1) << i;
            masks.Strong |= (ulong)((c >> 1) & 1) << i;
            masks.Weak |= (ulong)((c >> 2) & 1) << i;
            masks.N |= (ulong)((c >> 3) & 1) << i;
            masks.Lower |= (ulong)((c >> 4) & 1) << i;
            masks.Foreign |= (ulong)((c >> 5) & 1) << i;
            masks.LineFeed |= (ulong)((c >> 6) & 1) << i;
            masks.CarriageReturn |= (ulong)((c >> 7) & 1) << i;
        }
    }

    public ulong NoQuality(ref byte source)
    {
        ulong bad = 0;
        for (int i = 0; i < 64; i++)
        {
            bad |= (Unsafe.Add(ref source, i) is < (byte)'!' or > (byte)'~' ? 1UL : 0UL) << i;
        }
        return bad;
    }
}
