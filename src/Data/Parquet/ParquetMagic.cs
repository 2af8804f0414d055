using System.Buffers.Binary;

namespace GenoSeq.Data.Parquet;

/// <summary>The cheap facts of a file that say whether it is Parquet at all, checked before any decoder sees it.</summary>
internal static class ParquetMagic
{
    // 'PAR1' at both ends; a footer's length before the last; 'PARE' when the footer is encrypted.
    private const int MagicBytes = 4;
    private const int TailBytes = 8;

    /// <summary>True if the bytes begin as a Parquet file does.</summary>
    internal static bool Matches(ReadOnlySpan<byte> start) => start.StartsWith("PAR1"u8) || start.StartsWith("PARE"u8);

    /// <summary>Refuses what is no Parquet file, is cut short, or is encrypted.</summary>
    internal static void Check(string path)
    {
        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(path);
            long length = RandomAccess.GetLength(file);
            Span<byte> head = stackalloc byte[MagicBytes];
            Span<byte> tail = stackalloc byte[TailBytes];
            if (length < MagicBytes + TailBytes || RandomAccess.Read(file, head, 0) < MagicBytes
                || RandomAccess.Read(file, tail, length - TailBytes) < TailBytes)
            {
                throw new InputDataException("the file is too short to be Parquet", path, "at least 12 bytes", "check that it was copied whole");
            }

            ReadOnlySpan<byte> end = tail[MagicBytes..];
            if (head.SequenceEqual("PARE"u8) || end.SequenceEqual("PARE"u8))
            {
                throw new InputDataException("the file's footer is encrypted", path, "Parquet without encryption", "decrypt it with the program that wrote it");
            }

            if (!head.SequenceEqual("PAR1"u8) || !end.SequenceEqual("PAR1"u8))
            {
                bool begins = head.SequenceEqual("PAR1"u8);
                throw new InputDataException(
                    begins ? "the file begins as Parquet but does not end so" : "the file is not Parquet", path,
                    "PAR1 in its first and its last four bytes", begins ? "copy or write it again: its end is missing" : null);
            }

            uint footer = BinaryPrimitives.ReadUInt32LittleEndian(tail);
            if (footer == 0 || footer > length - MagicBytes - TailBytes)
            {
                throw new InputDataException($"the footer's length, {footer:N0} bytes, is not possible in a file of {length:N0} bytes", path,
                    "a footer inside the file", "copy or write it again");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputDataException($"the file cannot be read: {e.Message}", path, "a readable file", inner: e);
        }
    }
}
