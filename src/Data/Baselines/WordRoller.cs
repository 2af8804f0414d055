namespace GenoSeq.Data;

/// <summary>
/// Two-bit words of fixed length over a stream of bases, forward and reverse complement, updated base by base.
/// </summary>
/// <remarks>
/// In <see cref="Forward"/> the newest base has the lowest bits; in <see cref="Reverse"/> its complement has the
/// highest.
/// </remarks>
internal struct WordRoller
{
    private readonly uint _mask;
    private readonly int _topShift;
    private readonly int _length;
    private int _valid;

    /// <param name="length">Bases in a word, 1 to 16.</param>
    internal WordRoller(int length)
    {
        _length = length;
        _topShift = 2 * (length - 1);
        _mask = length == 16 ? uint.MaxValue : (1u << (2 * length)) - 1;
    }

    internal uint Forward { get; private set; }

    internal uint Reverse { get; private set; }

    /// <summary>Takes one base; true if the last bases make a whole word without anything but A, C, G, T.</summary>
    internal bool Push(byte value)
    {
        uint code = BaseCode.Of(value);
        if (code == BaseCode.None)
        {
            _valid = 0;
            return false;
        }
        Forward = ((Forward << 2) | code) & _mask;
        Reverse = (Reverse >> 2) | ((3 - code) << _topShift);
        return ++_valid >= _length;
    }
}
