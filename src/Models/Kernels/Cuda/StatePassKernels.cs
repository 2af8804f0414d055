using System.Runtime.InteropServices;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>States between the chunks of a recurrence (state_pass.cu), in order: h_(c+1) = through_c h_c + own_c.</summary>
internal static class StatePassKernels
{
    private const int Threads = 64;

    /// <summary>Replaces what each chunk adds by the state before it; on the way back by the gradient of the state behind it.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="states">[batch, chunks, ..., p], bf16 or f32, contiguous, p even; overwritten.</param>
    /// <param name="through">f32 [batch, chunks, ...], contiguous: for each number as many neighbouring elements of a state as there are to one.</param>
    /// <param name="before">f32 [batch, ..., p]: the state before the first chunk, or the gradient of the last state; null: zeros.</param>
    /// <param name="last">f32 of the same shape, written: the state behind the last chunk, or the gradient of the first state.</param>
    /// <param name="back">From the last chunk to the first.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static void Run(KernelDevice device, Tensor states, Tensor through, Tensor? before, Tensor last, bool back)
    {
        (long batch, long chunks) = (states.size(0), states.size(1));
        long[] entry = [batch, .. states.shape[2..]];
        var a = new Arguments
        {
            States = KernelTensors.Dense(states, "the states", states.dtype, states.shape),
            Through = KernelTensors.Dense(through, "what is left of states", float32, through.shape),
            Before = KernelTensors.Dense(before, back ? "the last state's gradient" : "the state", float32, entry),
            Last = KernelTensors.Dense(last, "the last state", float32, entry),
            Chunks = KernelTensors.Count(chunks, "chunks"),
            Count = KernelTensors.Count(states.numel() / Math.Max(1, batch * chunks), "elements of a state"),
            Back = back ? 1 : 0,
        };
        a.Share = (int)(states.numel() / Math.Max(1, through.numel()));
        if (a.Count % 2 != 0 || a.Share % 2 != 0)
        {
            throw new ArgumentException($"{through.Describe()} does not share out {states.Describe()} in pairs");
        }

        var program = new KernelProgram(["common.cu", "split_mma.cu", "tiles.cu", "state_pass.cu"], KernelTensors.Definitions(states.dtype, "the states"));
        device.Launch(device.Function(program, "gs_state_pass", Threads), (KernelTensors.Ceiling(a.Count / 2, Threads), batch, 1), a);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint States, Through, Before, Last;
        public int Chunks, Count, Share, Back;
    }
}
