namespace GenoSeq.Data.Parquet;

internal static class DeltaPageCheck
{
    internal static void Check(string path, ParquetFooter footer, ParquetChunk chunk)
    {
    }
}
