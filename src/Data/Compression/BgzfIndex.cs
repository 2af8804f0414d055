using System.Buffers.Binary;

namespace GenoSeq.Data;

/// <summary>
/// Where the blocks of a BGZF file are: for every block with content its offset in the file and the offset of its
/// content. Stored as <c>.gzi</c>, the format of <c>bgzip -r</c>: a count, then pairs of (file offset, content offset) for
/// all such blocks but the first, as little-endian 64-bit integers.
/// </summary>
public sealed class BgzfIndex
{
    private const int PairLength = 16;

    // One more than there are blocks: the last pair is the end of the content.
    private readonly long[] _fileOffsets;
    private readonly long[] _contentOffsets;

    internal BgzfIndex(long[] fileOffsets, long[] contentOffsets)
    {
        _fileOffsets = fileOffsets;
        _contentOffsets = contentOffsets;
    }

    /// <summary>Bytes of content in the whole file.</summary>
    public long Length => _contentOffsets[^1];

    /// <summary>Blocks with content.</summary>
    public int BlockCount => _fileOffsets.Length - 1;

    /// <summary>File offsets of the blocks, and after them where the last one's successor may begin.</summary>
    internal ReadOnlySpan<long> FileOffsets => _fileOffsets;

    /// <summary>Content offsets of the blocks, and after them <see cref="Length"/>.</summary>
    internal ReadOnlySpan<long> ContentOffsets => _contentOffsets;

    /// <summary>The name that tools expect beside a BGZF file: the file's own with <c>.gzi</c>.</summary>
    public static string PathFor(string dataPath) => dataPath + ".gzi";

    /// <summary>Makes an index by walking over the headers of all blocks.</summary>
    /// <exception cref="InputDataException">The file is not BGZF throughout, or is truncated.</exception>
    public static BgzfIndex Build(string dataPath)
    {
        using var data = new BgzfBlockFile(dataPath);
        return Build(data);
    }

    /// <summary>Reads an index and holds it against the BGZF file that it belongs to.</summary>
    /// <param name="indexPath">The <c>.gzi</c> file.</param>
    /// <param name="dataPath">The BGZF file.</param>
    /// <exception cref="InputDataException">The index is damaged, or belongs to another file.</exception>
    public static BgzfIndex Load(string indexPath, string dataPath)
    {
        using var data = new BgzfBlockFile(dataPath);
        return Load(indexPath, data);
    }

    internal static BgzfIndex Build(BgzfBlockFile data) => Walk(data, 0, 0);

    internal static BgzfIndex Load(string indexPath, BgzfBlockFile data)
    {
        using FileStream stream = InputFileOpening.OpenStream(indexPath);
        // The length bounds what is read: an index has fewer entries than the data has room for blocks.
        long limit = sizeof(long) + PairLength * (data.Length / BgzfHeader.EndOfFile.Length + 1);
        if (stream.Length > limit)
        {
            throw Bad($"it has {stream.Length} bytes, more than an index of that file can have", indexPath, data.Name);
        }
        var bytes = new byte[stream.Length];
        try
        {
            stream.ReadExactly(bytes);
        }
        catch (IOException e)
        {
            throw InputFileOpening.Unreadable(indexPath, e);
        }
        return Parse(bytes, indexPath, data);
    }

    /// <summary>Reads an index from its bytes and holds it against the data.</summary>
    internal static BgzfIndex Parse(ReadOnlySpan<byte> bytes, string indexName, BgzfBlockFile data)
    {
        long pairs = Count(bytes, indexName, data.Name);
        var fileOffsets = new List<long>((int)pairs + 2) { 0 };
        var contentOffsets = new List<long>((int)pairs + 2) { 0 };
        for (int i = 0; i < pairs; i++)
        {
            ReadOnlySpan<byte> pair = bytes[(sizeof(long) + i * PairLength)..];
            long file = BinaryPrimitives.ReadInt64LittleEndian(pair);
            long content = BinaryPrimitives.ReadInt64LittleEndian(pair[sizeof(long)..]);
            if (file <= fileOffsets[^1] || file >= data.Length)
            {
                throw Bad($"entry {i + 1} names the file offset {file}, after {fileOffsets[^1]} in {data.Length} bytes",
                    indexName, data.Name);
            }
            if (content < contentOffsets[^1] || content > contentOffsets[^1] + BgzfHeader.MaxLength)
            {
                throw Bad($"entry {i + 1} names the content offset {content}, after {contentOffsets[^1]}",
                    indexName, data.Name);
            }
            fileOffsets.Add(file);
            contentOffsets.Add(content);
        }
        return Complete(fileOffsets, contentOffsets, indexName, data);
    }

    /// <summary>Writes the index under a temporary name and renames it.</summary>
    /// <param name="indexPath">The <c>.gzi</c> file.</param>
    /// <param name="options">Whether a file may be replaced; null is the default, no.</param>
    /// <exception cref="OutputException">The file exists, or cannot be written.</exception>
    public void Write(string indexPath, OutputOptions? options = null)
    {
        using AtomicOutput output = AtomicOutput.Create(indexPath, options);
        output.Stream.Write(ToBytes());
        output.Commit();
    }

    internal byte[] ToBytes()
    {
        int pairs = Math.Max(0, BlockCount - 1);
        var bytes = new byte[sizeof(long) + pairs * PairLength];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, pairs);
        for (int i = 0; i < pairs; i++)
        {
            Span<byte> pair = bytes.AsSpan(sizeof(long) + i * PairLength);
            BinaryPrimitives.WriteInt64LittleEndian(pair, _fileOffsets[i + 1]);
            BinaryPrimitives.WriteInt64LittleEndian(pair[sizeof(long)..], _contentOffsets[i + 1]);
        }
        return bytes;
    }

    private static long Count(ReadOnlySpan<byte> bytes, string indexName, string dataName)
    {
        if (bytes.Length < sizeof(long))
        {
            throw Bad($"it has {bytes.Length} bytes, and its count alone takes {sizeof(long)}", indexName, dataName);
        }
        long pairs = BinaryPrimitives.ReadInt64LittleEndian(bytes);
        // For data without content bgzip counts one less than none.
        pairs = pairs == -1 && bytes.Length == sizeof(long) ? 0 : pairs;
        long room = (bytes.Length - sizeof(long)) / PairLength;
        if (pairs != room || (bytes.Length - sizeof(long)) % PairLength != 0)
        {
            throw Bad($"it counts {pairs} entries in {bytes.Length} bytes", indexName, dataName);
        }
        return pairs;
    }

    // The blocks from the last entry on: they give the content's length, and more than one with content would be missing
    // in the index.
    private static BgzfIndex Complete(
        List<long> fileOffsets, List<long> contentOffsets, string indexName, BgzfBlockFile data)
    {
        BgzfIndex tail = Walk(data, fileOffsets[^1], contentOffsets[^1]);
        if (tail.BlockCount > 1)
        {
            throw Bad($"it ends at the file offset {fileOffsets[^1]}, and blocks with content follow", indexName, data.Name);
        }
        // An entry for the block that ends the file, as some writers add it, is the end itself.
        if (tail.BlockCount > 0)
        {
            fileOffsets.Add(tail.FileOffsets[^1]);
            contentOffsets.Add(tail.Length);
        }
        return new BgzfIndex([.. fileOffsets], [.. contentOffsets]);
    }

    private static BgzfIndex Walk(BgzfBlockFile data, long fileOffset, long contentOffset)
    {
        var fileOffsets = new List<long>();
        var contentOffsets = new List<long>();
        bool lastWasEmpty = false;
        while (data.TryMeasure(fileOffset, out int blockLength, out int contentLength))
        {
            if (contentLength > 0)
            {
                fileOffsets.Add(fileOffset);
                contentOffsets.Add(contentOffset);
            }
            lastWasEmpty = contentLength == 0;
            fileOffset += blockLength;
            contentOffset += contentLength;
        }
        if (!lastWasEmpty)
        {
            throw BgzfErrors.NoEndOfFile(data.Name, fileOffset);
        }
        fileOffsets.Add(fileOffset);
        contentOffsets.Add(contentOffset);
        return new BgzfIndex([.. fileOffsets], [.. contentOffsets]);
    }

    private static InputDataException Bad(string what, string indexName, string dataName) => new(
        $"the BGZF index is damaged or belongs to another file: {what}", indexName, $"the .gzi index of {dataName}",
        $"delete it, or make it anew with: bgzip -r {dataName}");
}
