namespace GenoSeq.Data;

/// <summary>What the first bytes of a file say it is.</summary>
internal enum FileKind
{
    Plain,
    Gzip,
    Bgzf,
    TwoBit,
}

/// <summary>Recognises files by their first bytes.</summary>
internal static class FileKinds
{
    internal static FileKind Of(RandomBytes file)
    {
        Span<byte> start = stackalloc byte[(int)Math.Min(18, file.Length)];
        file.Read(0, start);
        return Of(start);
    }

    internal static FileKind Of(ReadOnlySpan<byte> start) =>
        start.StartsWith((ReadOnlySpan<byte>)[0x43, 0x27, 0x41, 0x1A]) || start.StartsWith((ReadOnlySpan<byte>)[0x1A, 0x41, 0x27, 0x43])
            ? FileKind.TwoBit
            : !start.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B])
            ? FileKind.Plain
            : IsBgzf(start) ? FileKind.Bgzf : FileKind.Gzip;

    // A gzip member with an extra field whose first subfield is BC of two bytes (SAM specification, section 4.1).
    private static bool IsBgzf(ReadOnlySpan<byte> start) =>
        start.Length >= 18 && start[2] == 8 && (start[3] & 4) != 0 && start[12] == 'B' && start[13] == 'C' && start[14] == 2 && start[15] == 0;
}
