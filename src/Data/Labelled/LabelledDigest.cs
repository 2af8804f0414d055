using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace GenoSeq.Data;

/// <summary>Identity of a labelled set's content.</summary>
internal static class LabelledDigest
{
    internal static string Compute(LabelledSet set)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // Every variable part is preceded by its length, so that no two different sets give the same bytes.
        Text(hash, "genoseq-labelled-set-1");
        Text(hash, set.Kind.ToString());
        Number(hash, set.LabelNames.Count);
        foreach (string name in set.LabelNames)
        {
            Text(hash, name);
        }
        Number(hash, set.Count);
        for (int r = 0; r < set.Count; r++)
        {
            Number(hash, (int)set.GetPart(r));
            if (set.Kind == LabelKind.Class)
            {
                Number(hash, set.GetClass(r));
            }
            else if (set.Kind == LabelKind.PerBase)
            {
                int[] classes = new int[set.GetLength(r)];
                set.CopyBaseClasses(r, 0, classes);
                Bytes(hash, MemoryMarshal.AsBytes(classes.AsSpan()));
            }
            else if (set.Kind != LabelKind.None)
            {
                foreach (float value in set.GetValues(r))
                {
                    Number(hash, BitConverter.SingleToInt32Bits(value));
                }
            }
            Bytes(hash, set.GetSequence(r));
            if (set.HasPairs)
            {
                Bytes(hash, set.GetSecondSequence(r));
            }
        }
        return Convert.ToHexStringLower(hash.GetCurrentHash());
    }

    private static void Text(IncrementalHash hash, string text) => Bytes(hash, Encoding.UTF8.GetBytes(text));

    private static void Bytes(IncrementalHash hash, ReadOnlySpan<byte> bytes)
    {
        Number(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void Number(IncrementalHash hash, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        hash.AppendData(bytes);
    }
}
