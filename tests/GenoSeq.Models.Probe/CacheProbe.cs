using System.Text;
using GenoSeq.Models.Kernels.Cuda.Runtime;

namespace GenoSeq.Models.Probe;

/// <summary>Asks a folder of compiled kernels, which another process uses at the same time, for many binaries, and damages some.</summary>
internal static class CacheProbe
{
    private const int Rounds = 40;
    private const int Programs = 6;

    internal static int Run(string folder)
    {
        for (int round = 0; round < Rounds; round++)
        {
            for (int p = 0; p < Programs; p++)
            {
                var request = new CompileRequest($"program {p} " + new string('x', 20_000 * p), ["-DX"], "sm_90a");
                // A new cache each time, so that the file is read and not a lock of this process waited for.
                byte[] binary = new KernelCache(folder).Get(request, new Echo());
                if (!binary.AsSpan().SequenceEqual(new Echo().Compile(request)))
                {
                    Console.WriteLine($"wrong: program {p} in round {round}");
                    return 1;
                }

                if ((round + p) % 5 == 0)
                {
                    File.Delete(Path.Combine(folder, KernelCache.Key(request, "echo") + KernelCache.Extension));
                }
            }
        }

        Console.WriteLine("right");
        return 0;
    }

    private sealed class Echo : IKernelCompiler
    {
        public string Identity => "echo";

        public byte[] Compile(CompileRequest request) => Encoding.UTF8.GetBytes(request.Source);
    }
}
