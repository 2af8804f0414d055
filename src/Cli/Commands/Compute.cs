using GenoSeq.Cli.Console;
using GenoSeq.Models.Kernels;
using GenoSeq.Torch;

namespace GenoSeq.Cli.Commands;

/// <summary>Gives what computes the threads that the user asked for.</summary>
internal static class Compute
{
    internal static void Use(GlobalOptions options)
    {
        KernelThreads.Count = options.Threads;
        torch.set_num_threads(options.Threads);
    }
}
