namespace GenoSeq.Data;

/// <summary>
/// The contents of a few blocks, the least recently used giving way. Blocks are spread over parts with a lock each, and
/// no lock is held while bytes are copied.
/// </summary>
internal sealed class BgzfBlockCache
{
    private const int MaxParts = 8;
    private readonly Part[] _parts;

    /// <param name="blocks">Blocks of 64 KiB to keep, at most.</param>
    internal BgzfBlockCache(int blocks)
    {
        int parts = Math.Clamp(blocks / 4, 1, MaxParts);
        _parts = new Part[parts];
        for (int i = 0; i < parts; i++)
        {
            _parts[i] = new Part(new Slot[(blocks + i) / parts]);
        }
    }

    /// <summary>Copies from a block if it is here.</summary>
    internal bool TryCopy(int block, int start, Span<byte> destination)
    {
        Part part = _parts[block % _parts.Length];
        Slot? found = null;
        lock (part)
        {
            foreach (Slot? slot in part.Slots)
            {
                if (slot is not null && slot.Block == block)
                {
                    slot.Readers++;
                    slot.LastUse = ++part.Clock;
                    found = slot;
                    break;
                }
            }
        }
        if (found is null)
        {
            return false;
        }
        found.Content.AsSpan(start, destination.Length).CopyTo(destination);
        lock (part)
        {
            found.Readers--;
        }
        return true;
    }

    /// <summary>Keeps a copy of a block, unless all room is being read from.</summary>
    internal void Add(int block, ReadOnlySpan<byte> content)
    {
        Part part = _parts[block % _parts.Length];
        Slot? room = null;
        lock (part)
        {
            for (int i = 0; i < part.Slots.Length; i++)
            {
                Slot slot = part.Slots[i] ??= new Slot();
                if (slot.Block == block)
                {
                    return;
                }
                if (slot.Readers == 0 && (room is null || slot.LastUse < room.LastUse))
                {
                    room = slot;
                }
            }
            if (room is null)
            {
                return;
            }
            // Being written: found by nobody, taken by nobody.
            room.Block = Slot.None;
            room.Readers = 1;
        }
        content.CopyTo(room.Content);
        lock (part)
        {
            room.Block = block;
            room.Readers = 0;
            room.LastUse = ++part.Clock;
        }
    }

    private sealed class Part(Slot?[] slots)
    {
        internal Slot?[] Slots { get; } = slots;

        internal long Clock { get; set; }
    }

    private sealed class Slot
    {
        internal const int None = -1;

        internal int Block { get; set; } = None;

        internal int Readers { get; set; }

        internal long LastUse { get; set; }

        internal byte[] Content { get; } = GC.AllocateUninitializedArray<byte>(BgzfHeader.MaxLength);
    }
}
