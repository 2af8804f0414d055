using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>
/// The ticket and the chain words of the chained scan kernels. They are zero before the first launch and every launch leaves
/// them zero, so each stream has one set for good; launches on one stream follow one another and may share it.
/// </summary>
internal static class ScanWorkspace
{
    private const int TicketWords = 16;

    private static readonly Lock s_lock = new();
    private static readonly Dictionary<(int Device, nint Stream), Tensor> s_streams = [];

    // What has been outgrown stays: a launch that was prepared with it may not have been queued yet. It doubles, so that is little.
    private static readonly List<Tensor> s_outgrown = [];

    /// <summary>Address of the ticket, followed 64 bytes on by the chain words, for the current stream.</summary>
    /// <param name="device">Where.</param>
    /// <param name="words">Chain words of 8 bytes.</param>
    /// <param name="keep">The tensor behind it, to be kept until after the launch.</param>
    internal static (nint Ticket, nint Ring) Get(Device device, long words, out Tensor keep)
    {
        keep = device.Type == DeviceType.CUDA ? OfStream(device, words) : Zeros(device, words);
        return (keep.data_ptr(), keep.data_ptr() + (TicketWords * sizeof(int)));
    }

    private static Tensor OfStream(Device device, long words)
    {
        lock (s_lock)
        {
            (int Index, nint) key = (device.Index, cuda.current_stream(device.Index));
            if (!s_streams.TryGetValue(key, out Tensor? found) || found.numel() < Numbers(words))
            {
                if (found is not null)
                {
                    s_outgrown.Add(found);
                    words = Math.Max(words, found.numel());
                }

                found = Zeros(device, words).DetachFromDisposeScope();
                s_streams[key] = found;
            }

            return found;
        }
    }

    private static long Numbers(long words) => TicketWords + (2 * words);

    private static Tensor Zeros(Device device, long words) => zeros([Numbers(words)], int32, device);
}
