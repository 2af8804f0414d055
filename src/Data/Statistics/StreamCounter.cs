using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GenoSeq.Data;

/// <summary>Counts what the readers hand out: for streams, and for files with more in them than plain lines.</summary>
internal sealed class StreamCounter(LengthHistogram lengths) : IFastaVisitor, IFastqVisitor
{
    // What may be in a sequence the reader has decided; here every character of it counts.
    private readonly Vector512Classifier _wide = new(SequenceLetters.Any);
    private readonly Vector256Classifier _middle = new(SequenceLetters.Any);
    private readonly ScalarClassifier _scalar = new(SequenceLetters.Any);
    private BaseTally _tally;
    private long _atBegin;

    internal BaseTally Tally => _tally;

    public void BeginRecord(string name, long line) => _atBegin = _tally.Bases;

    public void BeginRecord(ReadOnlySpan<byte> name, long line) => _atBegin = _tally.Bases;

    public void Append(ReadOnlySpan<byte> bases)
    {
        if (Vector512Classifier.IsSupported)
        {
            Count(bases, _wide);
        }
        else if (Vector256Classifier.IsSupported)
        {
            Count(bases, _middle);
        }
        else
        {
            Count(bases, _scalar);
        }
    }

    public void AppendBases(ReadOnlySpan<byte> bases) => Append(bases);

    public void AppendQualities(ReadOnlySpan<byte> qualities)
    {
    }

    public void EndRecord() => lengths.Add(_tally.Bases - _atBegin);

    private void Count<T>(ReadOnlySpan<byte> bases, T classifier)
        where T : struct, IBlockClassifier
    {
        ref byte b = ref MemoryMarshal.GetReference(bases);
        int pos = 0;
        for (; pos + 64 <= bases.Length; pos += 64)
        {
            classifier.Classify(ref Unsafe.Add(ref b, pos), out BlockMasks masks);
            _tally.Add(masks, ulong.MaxValue);
        }
        if (pos < bases.Length)
        {
            Span<byte> last = stackalloc byte[64];
            last.Clear();
            bases[pos..].CopyTo(last);
            classifier.Classify(ref MemoryMarshal.GetReference(last), out BlockMasks masks);
            _tally.Add(masks, ulong.MaxValue);
        }
    }
}
