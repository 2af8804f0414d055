namespace GenoSeq.Models.Kernels.Cuda.Runtime;

/// <summary>One compilation: what a binary depends on, and nothing else.</summary>
/// <param name="Source">The whole text.</param>
/// <param name="Options">The compiler's options in their order, the architecture among them.</param>
/// <param name="Architecture">What is compiled for, such as <c>sm_90a</c>, or <c>compute_80</c> for text that the driver compiles further.</param>
internal sealed record CompileRequest(string Source, IReadOnlyList<string> Options, string Architecture);

/// <summary>Compiles CUDA C++ text to what the driver loads.</summary>
internal interface IKernelCompiler
{
    /// <summary>Name and version: binaries of another compiler are not these.</summary>
    public string Identity { get; }

    /// <summary>Compiles; thread-safe.</summary>
    /// <exception cref="CompileFailedException">The text is wrong.</exception>
    public byte[] Compile(CompileRequest request);
}

/// <summary>What the compiler said against a text.</summary>
internal sealed class CompileFailedException(string log, int code) : Exception(log)
{
    /// <summary>The compiler's own number.</summary>
    internal int Code { get; } = code;
}
