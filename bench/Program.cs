using BenchmarkDotNet.Running;
using GenoSeq.Benchmarks.Data;
using GenoSeq.Benchmarks.Kernels;

namespace GenoSeq.Benchmarks;

/// <summary>Named benchmarks that take seconds, and print JSON on request; anything else goes to BenchmarkDotNet.</summary>
internal static class Program
{
    private static readonly (string Name, string What, Func<string[], int> Run)[] s_entries =
    [
        ("quick", "kernels against limits measured in the same run: [--json FILE]", args => Quick.Run(args)),
        ("data", "stages of making a batch, and draws of the sampler: [--genome FILE] [--json [FILE]]", EncoderBench.Run),
        ("feed", "a consumer of one batch every 50 ms: [--genome FILE] [--json [FILE]]", FeedBench.Run),
        ("read-windows", "compare Parquet windows with their genome, every one: GENOME PARQUET WINDOW [genome]", args => ParquetReadBack.Run(args)),
        ("make-fasta", "write a synthetic genome: FILE BASES", args => FastaMaker.Run(args)),
    ];

    private static int Main(string[] args)
    {
        foreach ((string name, _, Func<string[], int> run) in s_entries)
        {
            if (args.Length > 0 && args[0] == name)
            {
                return run(args[1..]);
            }
        }

        if (args.Length > 0 && args[0] is "help" or "--help" or "-h")
        {
            foreach ((string name, string what, _) in s_entries)
            {
                Console.WriteLine($"{name,-12}{what}");
            }
        }

        BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
        return 0;
    }
}
