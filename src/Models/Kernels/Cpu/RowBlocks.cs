namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>Partition of the rows of [batch, length] into work items; a function of the shape only.</summary>
internal readonly struct RowBlocks
{
    private const int MaxItems = 128;

    public RowBlocks(int batch, int length, int minRows)
    {
        Total = (long)batch * length;
        BlockRows = Math.Max(minRows, (Total + MaxItems - 1) / MaxItems);
        Items = (int)((Total + BlockRows - 1) / BlockRows);
    }

    public long Total { get; }

    public long BlockRows { get; }

    public int Items { get; }

    public long Start(int item) => item * BlockRows;

    public long End(int item) => Math.Min(Total, (item + 1) * BlockRows);
}
