namespace GenoSeq.Data;

/// <summary>Classifies 64 bytes at once; implementations differ in instruction set only.</summary>
internal interface IBlockClassifier
{
    /// <summary>The classes of the 64 bytes at <paramref name="source"/>.</summary>
    public void Classify(ref byte source, out BlockMasks masks);

    /// <summary>Those of 64 bytes that are no FASTQ quality character ('!' to '~').</summary>
    public ulong NoQuality(ref byte source);
}
