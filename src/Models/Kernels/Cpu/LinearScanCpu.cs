using System.Numerics;
using System.Runtime.CompilerServices;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>
/// h_t = a_t h_(t-1) + x_t over dense [batch, length, channels]: lanes are channels, work items are blocks of channels of a batch entry,
/// so results do not depend on the number of threads.
/// </summary>
internal static unsafe class LinearScanCpu
{
    private const int BlockChannels = 64;

    /// <summary>All states.</summary>
    /// <param name="a">[batch, length, channels].</param>
    /// <param name="x">[batch, length, channels].</param>
    /// <param name="before">[batch, channels]: the state before the first position.</param>
    /// <param name="h">[batch, length, channels], overwritten.</param>
    /// <param name="batch">Batch entries.</param>
    /// <param name="length">Positions.</param>
    /// <param name="channels">Channels.</param>
    internal static void Forward(float* a, float* x, float* before, float* h, int batch, int length, int channels) =>
        ForBlocks(batch, channels, (b, first, count) =>
        {
            float* last = before + ((long)b * channels) + first;
            for (long t = (long)b * length; t < ((long)b + 1) * length; t++)
            {
                long at = (t * channels) + first;
                MultiplyAdd(a + at, last, x + at, h + at, count);
                last = h + at;
            }
        });

    /// <summary>
    /// Gradients: l_t = dh_t + a_(t+1) l_(t+1) from the last position to the first is that of x; that of a is l_t h_(t-1).
    /// </summary>
    /// <param name="a">[batch, length, channels].</param>
    /// <param name="before">[batch, channels].</param>
    /// <param name="h">The forward pass's states.</param>
    /// <param name="dh">Their gradients.</param>
    /// <param name="da">[batch, length, channels], overwritten.</param>
    /// <param name="dx">[batch, length, channels], overwritten.</param>
    /// <param name="batch">Batch entries.</param>
    /// <param name="length">Positions.</param>
    /// <param name="channels">Channels.</param>
    internal static void Backward(float* a, float* before, float* h, float* dh, float* da, float* dx, int batch, int length, int channels) =>
        ForBlocks(batch, channels, (b, first, count) =>
        {
            long begin = (long)b * length;
            for (long t = begin + length - 1; t >= begin; t--)
            {
                long at = (t * channels) + first;
                if (t == begin + length - 1)
                {
                    Buffer.MemoryCopy(dh + at, dx + at, 4L * count, 4L * count);
                }
                else
                {
                    MultiplyAdd(a + at + channels, dx + at + channels, dh + at, dx + at, count);
                }

                Multiply(dx + at, t == begin ? before + ((long)b * channels) + first : h + at - channels, da + at, count);
            }
        });

    private static void ForBlocks(int batch, int channels, Action<int, int, int> body)
    {
        int blocks = (channels + BlockChannels - 1) / BlockChannels;
        KernelThreads.For(batch * blocks, item =>
        {
            int first = item % blocks * BlockChannels;
            body(item / blocks, first, Math.Min(BlockChannels, channels - first));
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyAdd(float* a, float* b, float* c, float* result, int count)
    {
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            ((Vector.Load(a + i) * Vector.Load(b + i)) + Vector.Load(c + i)).Store(result + i);
        }

        for (; i < count; i++) result[i] = (a[i] * b[i]) + c[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Multiply(float* a, float* b, float* result, int count)
    {
        int i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count) (Vector.Load(a + i) * Vector.Load(b + i)).Store(result + i);
        for (; i < count; i++) result[i] = a[i] * b[i];
    }
}
