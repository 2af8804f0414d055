using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Models.Kernels;

/// <summary>
/// Chooses the implementation of the CPU kernels: the widest vectors the machine has, unless the environment variable
/// <c>GENOSEQ_KERNELS</c> names <c>reference</c>, <c>scalar</c>, <c>vector256</c> or <c>vector512</c>.
/// </summary>
public static class KernelDispatch
{
    /// <summary>Name of the environment variable that overrides the choice.</summary>
    public const string Variable = "GENOSEQ_KERNELS";

    private static readonly Lazy<KernelPath> s_default = new(ReadDefault);

    [ThreadStatic]
    private static KernelPath? t_override;

    /// <summary>The path that kernels called on this thread take.</summary>
    /// <exception cref="InvalidOperationException">The environment variable names an unknown or unsupported path.</exception>
    public static KernelPath Current => t_override ?? s_default.Value;

    /// <summary>The widest path this machine supports.</summary>
    public static KernelPath Widest =>
        IsSupported(KernelPath.Vector512) ? KernelPath.Vector512
        : IsSupported(KernelPath.Vector256) ? KernelPath.Vector256
        : KernelPath.Scalar;

    /// <summary>Whether this machine can run a path.</summary>
    /// <param name="path">The path asked about.</param>
    /// <returns>True when its instructions exist here.</returns>
    public static bool IsSupported(KernelPath path) => path switch
    {
        KernelPath.Vector512 => Avx512F.IsSupported && Avx512DQ.IsSupported,
        KernelPath.Vector256 => Avx2.IsSupported && Fma.IsSupported,
        _ => true,
    };

    /// <summary>Forces a path for kernels called on this thread until the result is disposed; for tests and benchmarks.</summary>
    /// <param name="path">The path to take.</param>
    /// <returns>A scope that restores the previous choice.</returns>
    internal static Scope Use(KernelPath path)
    {
        if (!IsSupported(path))
            throw new PlatformNotSupportedException($"This machine has no {path} instructions; the widest path here is {Widest}.");
        var scope = new Scope(t_override);
        t_override = path;
        return scope;
    }

    internal static KernelPath Parse(string? value)
    {
        if (string.IsNullOrWhiteSpace(value)) return Widest;
        KernelPath path = value.Trim().ToUpperInvariant() switch
        {
            "REFERENCE" => KernelPath.Reference,
            "SCALAR" => KernelPath.Scalar,
            "VECTOR256" => KernelPath.Vector256,
            "VECTOR512" => KernelPath.Vector512,
            _ => throw new InvalidOperationException(
                $"{Variable}='{value}' is not a kernel path. Use reference, scalar, vector256 or vector512, or unset it."),
        };
        return IsSupported(path)
            ? path
            : throw new InvalidOperationException(
                $"{Variable}='{value}' asks for instructions this machine lacks; the widest path here is {Widest}. Unset it.");
    }

    private static KernelPath ReadDefault() => Parse(Environment.GetEnvironmentVariable(Variable));

    internal readonly struct Scope(KernelPath? previous) : IDisposable
    {
        public void Dispose() => t_override = previous;
    }
}
