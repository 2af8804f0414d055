using BenchmarkDotNet.Running;
using GenoSeq.Benchmarks.Kernels;

namespace GenoSeq.Benchmarks;

/// <summary><c>quick [--json FILE]</c> times the kernels in seconds; anything else goes to BenchmarkDotNet.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args.Length > 0 && args[0] == "quick") return Quick.Run(args.AsSpan(1));
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
        return 0;
    }
}
