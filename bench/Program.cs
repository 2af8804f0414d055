using BenchmarkDotNet.Running;
using GenoSeq.Benchmarks.Data;
using GenoSeq.Benchmarks.Kernels;

namespace GenoSeq.Benchmarks;

/// <summary><c>quick [--json FILE]</c> times the kernels in seconds; <c>make-fasta FILE BASES</c> writes a synthetic genome; anything else goes to BenchmarkDotNet.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args.Length > 0 && args[0] == "quick") return Quick.Run(args.AsSpan(1));
        if (args.Length > 0 && args[0] == "make-fasta") return FastaMaker.Run(args.AsSpan(1));
        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
        return 0;
    }
}
