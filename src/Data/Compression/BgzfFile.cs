using System.Collections.Concurrent;

namespace GenoSeq.Data;

/// <summary>
/// Random access to the content of a BGZF file by content offset. Thread-safe: reads are positional, and a small cache of
/// decompressed blocks is shared.
/// </summary>
public sealed class BgzfFile : IDisposable
{
    /// <summary>Blocks kept decompressed unless told otherwise: 8 MiB.</summary>
    public const int DefaultCacheBlocks = 128;

    private readonly BgzfBlockFile _data;
    private readonly BgzfBlockCache _cache;
    private readonly ConcurrentBag<BgzfScratch> _scratch = [];
    private bool _disposed;

    private BgzfFile(BgzfBlockFile data, BgzfIndex index, int cacheBlocks)
    {
        _data = data;
        Index = index;
        _cache = new BgzfBlockCache(cacheBlocks);
    }

    /// <summary>Bytes of content.</summary>
    public long Length => Index.Length;

    /// <summary>The file's path.</summary>
    public string Name => _data.Name;

    /// <summary>Where the blocks are.</summary>
    public BgzfIndex Index { get; }

    /// <summary>Opens a BGZF file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="index">Its index; when null the <c>.gzi</c> beside it, or where there is none one made in
    /// memory.</param>
    /// <param name="cacheBlocks">Blocks of at most 64 KiB to keep decompressed.</param>
    /// <exception cref="InputDataException">The file is missing, not BGZF, or truncated, or the index is not
    /// its.</exception>
    public static BgzfFile Open(string path, BgzfIndex? index = null, int cacheBlocks = DefaultCacheBlocks)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentOutOfRangeException.ThrowIfLessThan(cacheBlocks, 1);
        var data = new BgzfBlockFile(path);
        try
        {
            string beside = BgzfIndex.PathFor(path);
            index ??= File.Exists(beside) ? BgzfIndex.Load(beside, data) : BgzfIndex.Build(data);
            return new BgzfFile(data, index, cacheBlocks);
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    internal static BgzfFile Open(BgzfBlockFile data, BgzfIndex index) => new(data, index, DefaultCacheBlocks);

    /// <summary>Reads a range of the content.</summary>
    /// <param name="offset">Where the range begins.</param>
    /// <param name="destination">Filled whole.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the content.</exception>
    /// <exception cref="InputDataException">A block is damaged.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length - destination.Length);
        if (destination.IsEmpty)
        {
            return;
        }
        ReadOnlySpan<long> starts = Index.ContentOffsets;
        for (int block = FindBlock(starts, offset); !destination.IsEmpty; block++)
        {
            int length = (int)(starts[block + 1] - starts[block]);
            int skip = (int)(offset - starts[block]);
            int n = Math.Min(length - skip, destination.Length);
            ReadBlock(block, length, skip, destination[..n]);
            destination = destination[n..];
            offset += n;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        _data.Dispose();
        while (_scratch.TryTake(out BgzfScratch? scratch))
        {
            scratch.Dispose();
        }
    }

    private void ReadBlock(int block, int length, int skip, Span<byte> destination)
    {
        if (length == 0 || _cache.TryCopy(block, skip, destination))
        {
            return;
        }
        if (!_scratch.TryTake(out BgzfScratch? scratch))
        {
            scratch = new BgzfScratch();
        }
        long at = Index.FileOffsets[block];
        // A block that is wanted whole is not likely wanted again, and needs no copy.
        if (destination.Length == length)
        {
            _data.Inflate(at, destination, scratch);
        }
        else
        {
            Span<byte> content = scratch.Content.AsSpan(0, length);
            _data.Inflate(at, content, scratch);
            content.Slice(skip, destination.Length).CopyTo(destination);
            _cache.Add(block, content);
        }
        _scratch.Add(scratch);
    }

    // The last block that begins at or before the offset.
    private static int FindBlock(ReadOnlySpan<long> starts, long offset)
    {
        int low = 0;
        int high = starts.Length - 1;
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            if (starts[middle] <= offset)
            {
                low = middle;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }
}
