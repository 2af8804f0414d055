using GenoSeq.Torch;

namespace GenoSeq.Models.Kernels.Cuda.Runtime;

/// <summary>Turns programs into binaries for one compute capability.</summary>
internal sealed class KernelBuilder
{
    /// <summary>Environment variable that adds line numbers to binaries, for profilers and compute-sanitizer.</summary>
    internal const string LineInfoVariable = "GENOSEQ_KERNEL_LINEINFO";

    private const int Oldest = 80;
    private readonly IKernelCompiler _compiler;
    private readonly KernelCache _cache;

    /// <summary>Chooses the architecture.</summary>
    /// <param name="compiler">Compiles.</param>
    /// <param name="cache">Keeps the binaries.</param>
    /// <param name="capability">Of the device: 10 major + minor.</param>
    /// <param name="known">What the compiler knows, ascending; empty: everything.</param>
    /// <param name="lineInfo">Adds line numbers.</param>
    internal KernelBuilder(IKernelCompiler compiler, KernelCache cache, int capability, IReadOnlyList<int> known, bool lineInfo = false)
    {
        _compiler = compiler;
        _cache = cache;
        Architecture = Choose(capability, known, compiler.Identity);
        LineInfo = lineInfo;
    }

    /// <summary>Such as <c>sm_90a</c>; <c>compute_80</c> where the compiler is older than the device.</summary>
    internal string Architecture { get; }

    private bool LineInfo { get; }

    /// <summary>The compiler's own name for what to make.</summary>
    internal static string Choose(int capability, IReadOnlyList<int> known, string compiler)
    {
        if (capability < Oldest)
        {
            throw new MissingLibraryException(
                FormattableString.Invariant($"GenoSeq's CUDA kernels do not run on a GPU of compute capability {capability / 10}.{capability % 10}"),
                "compute capability 8.0 (Ampere) or newer", "device=cpu, or another GPU");
        }

        if (known.Count == 0 || known.Contains(capability))
        {
            // The a: instructions that only this architecture has are allowed.
            return capability == 90 ? "sm_90a" : FormattableString.Invariant($"sm_{capability}");
        }

        int nearest = known.Where(k => k <= capability && k >= Oldest).DefaultIfEmpty(0).Max();
        return nearest > 0 ? FormattableString.Invariant($"compute_{nearest}") : throw new MissingLibraryException(
            $"{compiler} knows none of the architectures that GenoSeq's CUDA kernels need (it knows {string.Join(", ", known)})",
            "NVRTC of CUDA 12 or 13", $"set {LibrarySearch.Variable} to another libnvrtc.so");
    }

    /// <summary>What the compiler is asked.</summary>
    internal CompileRequest Request(KernelProgram program)
    {
        var options = new List<string> { $"--gpu-architecture={Architecture}", "--std=c++17" };
        if (LineInfo)
        {
            options.Add("--generate-line-info");
        }

        options.AddRange(program.Definitions.Select(d => "-D" + d));
        return new CompileRequest(program.Source(), options, Architecture);
    }

    /// <summary>The binary of a program.</summary>
    /// <param name="program">The text.</param>
    /// <param name="entry">What it was wanted for; for the message.</param>
    /// <exception cref="CudaKernelException">It does not compile; with the compiler's words, whose lines are those of the kernel's own file.</exception>
    internal byte[] Build(KernelProgram program, string entry)
    {
        try
        {
            return _cache.Get(Request(program), _compiler);
        }
        catch (CompileFailedException e)
        {
            throw new CudaKernelException($"kernel {entry} of {Describe(program)} did not compile for {Architecture} ({_compiler.Identity}):\n{e.Message}", e.Code);
        }
    }

    /// <summary>A program in words: its files, and its definitions in brackets.</summary>
    internal static string Describe(KernelProgram program) => program.Definitions.Count == 0
        ? string.Join(" + ", program.Files) : $"{string.Join(" + ", program.Files)} [{string.Join(", ", program.Definitions)}]";
}
