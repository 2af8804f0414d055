using GenoSeq.Models.Kernels;

namespace GenoSeq.Numerics.Tests.Kernels;

/// <summary>The fast paths this machine can run.</summary>
internal static class KernelPaths
{
    public static IReadOnlyList<KernelPath> Fast { get; } =
        [.. new[] { KernelPath.Scalar, KernelPath.Vector256, KernelPath.Vector512 }.Where(KernelDispatch.IsSupported)];
}
