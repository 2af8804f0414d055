using GenoSeq.Models.Kernels.Cpu;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>The recurrence of xLSTM's scalar memory (slstm.cu): a block goes with a head of a batch entry through all positions.</summary>
internal static class SLstmKernels
{
    private const int Threads = 256; // GS_SLSTM_THREADS
    private const int Room = 200 << 10;

    private static readonly KernelProgram s_program = new(["common.cu", "slstm.cu"], "GS_F32_IO=1");

    /// <summary>Forward pass.</summary>
    internal static void Forward(KernelDevice device, SLstmArguments a) => Launch(device, "gs_slstm_fwd", 5, a);

    /// <summary>Backward pass, all but R's gradient.</summary>
    internal static void Backward(KernelDevice device, SLstmArguments a) => Launch(device, "gs_slstm_bwd", 7, a);

    private static void Launch(KernelDevice device, string entry, int rows, SLstmArguments a)
    {
        long shared = (long)sizeof(float) * rows * a.Width, weights = 4L * sizeof(float) * a.Width * a.Width;
        a.SharedR = shared + weights <= Room ? 1 : 0;
        if (shared > Room)
        {
            throw new NotSupportedException($"heads of {a.Width} channels; slstm on a GPU takes at most {Room / (7 * sizeof(float))}: more heads (model.recurrent.n_head)");
        }

        device.Launch(device.Function(s_program, entry, Threads, (int)(shared + (a.SharedR * weights))), (a.Heads, a.Batch, 1), a);
    }
}
