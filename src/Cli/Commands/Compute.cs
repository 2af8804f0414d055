using GenoSeq.Cli.Console;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;

namespace GenoSeq.Cli.Commands;

/// <summary>Gives what computes the threads that the user asked for, and somebody to tell what is wrong but no error.</summary>
internal static class Compute
{
    internal static void Use(CommandContext context)
    {
        KernelThreads.Count = context.Options.Threads;
        torch.set_num_threads(context.Options.Threads);
        CudaRuntime.Log = context.Reporter.Warn;
    }
}
