namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>
/// Partition of a scan into work items, a function of the problem's shape only: item = (batch entry, group of channel tiles),
/// tile = one register of channels.
/// </summary>
internal readonly struct ScanPartition
{
    private const int WantedItems = 16;

    public ScanPartition(int batch, int channels, int states, int width, int maxGroupChannels)
    {
        Width = width;
        PaddedStates = (states + 3) & ~3;
        int group = maxGroupChannels;
        while (group > 16 && (long)batch * ((channels + group - 1) / group) < WantedItems) group /= 2;
        GroupTiles = Math.Max(1, group / width);
        GroupChannels = GroupTiles * width;
        Groups = (channels + GroupChannels - 1) / GroupChannels;
        Items = checked(batch * Groups);
    }

    public int Width { get; }

    /// <summary>d_state rounded up to the four states the inner loops take at once; padding has A = B = C = 0.</summary>
    public int PaddedStates { get; }

    public int GroupTiles { get; }

    public int GroupChannels { get; }

    public int Groups { get; }

    public int Items { get; }
}

/// <summary>Packing and layout helpers shared by the forward and backward scans.</summary>
internal static unsafe class ScanTile
{
    public const int Chunk = SelectiveScan.ChunkLength;

    /// <summary>log2(e): the kernels use powers of two, so A is scaled once instead of every product.</summary>
    public const float Log2E = 1.4426950408889634f;

    /// <summary>Copies [channel, state] (row length <paramref name="states"/>) to [state][lane], zero-padded, times a factor.</summary>
    public static void TransposeIn(float* source, int states, int lanes, int paddedStates, int width, float factor, float* target)
    {
        new Span<float>(target, paddedStates * width).Clear();
        if (source == null) return;
        for (int lane = 0; lane < lanes; lane++)
        {
            for (int n = 0; n < states; n++) target[(n * width) + lane] = source[((long)lane * states) + n] * factor;
        }
    }

    /// <summary>The inverse of <see cref="TransposeIn"/>.</summary>
    public static void TransposeOut(float* source, int states, int lanes, int width, float* target)
    {
        for (int lane = 0; lane < lanes; lane++)
        {
            for (int n = 0; n < states; n++) target[((long)lane * states) + n] = source[(n * width) + lane];
        }
    }

    /// <summary>Copies rows of B or C of one chunk, in scan order, to [step][padded state], zero-padded.</summary>
    public static void PackRows(float* source, long step, int steps, int states, int paddedStates, float* target)
    {
        for (int i = 0; i < steps; i++)
        {
            for (int n = 0; n < states; n++) target[n] = source[n];
            for (int n = states; n < paddedStates; n++) target[n] = 0f;
            source += step;
            target += paddedStates;
        }
    }

    /// <summary>Marks the steps of a chunk before which the state is zeroed.</summary>
    public static void PackResets(in SelectiveScanInputs<float> x, int batch, int start, int steps, byte* target)
    {
        if (x.SequenceIds == null)
        {
            new Span<byte>(target, steps).Clear();
            return;
        }

        for (int i = 0; i < steps; i++) target[i] = x.ResetsAt(batch, start + i) ? (byte)1 : (byte)0;
    }
}
