using System.Buffers.Binary;

namespace GenoSeq.Data;

/// <summary>What stands next in a file of gzip members.</summary>
internal enum GzipNext
{
    /// <summary>Nothing, or zero bytes up to the end, as tapes and some archives pad files.</summary>
    End,

    /// <summary>A BGZF block.</summary>
    BgzfBlock,

    /// <summary>Another gzip member.</summary>
    Member,
}

/// <summary>The frame of gzip members: header and trailer of RFC 1952, and BGZF's extra field in it.</summary>
internal static class GzipFormat
{
    internal const int TrailerLength = 8;
    internal const byte Magic0 = 0x1F;
    internal const byte Magic1 = 0x8B;
    internal const byte FlagExtra = 4;

    private const int FixedLength = 10;
    private const byte Deflate = 8;
    private const byte FlagHeaderCrc = 2;
    private const byte FlagName = 8;
    private const byte FlagComment = 16;
    private const byte ReservedFlags = 0xE0;

    /// <summary>Looks at what comes next, takes nothing but zero padding.</summary>
    /// <exception cref="InputDataException">It is neither a member nor the end.</exception>
    internal static GzipNext Next(CompressedSource source, out BgzfHeader block)
    {
        block = default;
        if (!source.Ensure(1))
        {
            return GzipNext.End;
        }
        long offset = source.Offset;
        if (source.Buffered[0] == 0)
        {
            SkipZeros(source);
            return source.Buffered.IsEmpty ? GzipNext.End : throw Garbage(source.Name, offset);
        }
        if (source.Buffered[0] != Magic0 || (source.Ensure(2) && source.Buffered[1] != Magic1))
        {
            throw Garbage(source.Name, offset);
        }
        if (!source.Ensure(FixedLength))
        {
            throw Truncated(source.Name, offset, "gzip header");
        }
        if (source.Buffered[2] != Deflate)
        {
            throw new InputDataException(
                $"the gzip header names the unknown compression method {source.Buffered[2]}", At(source.Name, offset),
                "method 8 (deflate)", Advice);
        }
        byte flags = source.Buffered[3];
        if ((flags & ReservedFlags) != 0)
        {
            throw new InputDataException(
                $"the gzip header has reserved flags set (0x{flags:X2})", At(source.Name, offset),
                "flags of RFC 1952", Advice);
        }
        if (flags != FlagExtra)
        {
            return GzipNext.Member;
        }
        if (!source.Ensure(12) || !source.Ensure(12 + BinaryPrimitives.ReadUInt16LittleEndian(source.Buffered[10..])))
        {
            throw Truncated(source.Name, offset, "gzip header");
        }
        return BgzfHeader.TryParse(source.Buffered, out block) ? GzipNext.BgzfBlock : GzipNext.Member;
    }

    /// <summary>Takes a member's header, whatever its optional fields; <see cref="Next"/> has seen its start.</summary>
    internal static void SkipHeader(CompressedSource source)
    {
        long offset = source.Offset;
        byte flags = source.Buffered[3];
        uint crc = 0;
        Take(FixedLength);
        if ((flags & FlagExtra) != 0)
        {
            Need(2);
            int extra = BinaryPrimitives.ReadUInt16LittleEndian(source.Buffered);
            Take(2);
            Need(extra);
            Take(extra);
        }
        foreach (byte text in (ReadOnlySpan<byte>)[FlagName, FlagComment])
        {
            while ((flags & text) != 0)
            {
                Need(1);
                int end = source.Buffered.IndexOf((byte)0);
                Take(end < 0 ? source.Buffered.Length : end + 1);
                if (end >= 0)
                {
                    break;
                }
            }
        }
        if ((flags & FlagHeaderCrc) != 0)
        {
            uint expected = crc & 0xFFFF;
            Need(2);
            if (BinaryPrimitives.ReadUInt16LittleEndian(source.Buffered) != expected)
            {
                throw new InputDataException(
                    "the checksum of the gzip header does not match", At(source.Name, source.Offset),
                    $"0x{expected:X4}", Advice);
            }
            Take(2);
        }

        void Need(int count)
        {
            if (!source.Ensure(count))
            {
                throw Truncated(source.Name, offset, "gzip header");
            }
        }

        void Take(int count)
        {
            crc = Crc32.Append(crc, source.Buffered[..count]);
            source.Advance(count);
        }
    }

    internal const string Advice = "check the file with 'gzip -t', and fetch or compress it again";

    internal static string At(string name, long offset) => $"{name}, offset {offset}";

    internal static InputDataException Truncated(string name, long offset, string inWhat) => new(
        $"the gzip data is truncated: it ends in the {inWhat} that begins here", At(name, offset),
        "complete gzip members", Advice);

    private static InputDataException Garbage(string name, long offset) => new(
        "there are bytes after the gzip data that are no gzip data", At(name, offset),
        "another gzip member, or the end of the file", "remove what follows, or fetch the file again");

    private static void SkipZeros(CompressedSource source)
    {
        while (source.Ensure(1))
        {
            int nonZero = source.Buffered.IndexOfAnyExcept((byte)0);
            if (nonZero >= 0)
            {
                source.Advance(nonZero);
                return;
            }
            source.Advance(source.Buffered.Length);
        }
    }
}
