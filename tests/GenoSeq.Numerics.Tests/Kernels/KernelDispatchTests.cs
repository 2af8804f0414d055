using GenoSeq.Models.Kernels;

namespace GenoSeq.Numerics.Tests.Kernels;

public sealed class KernelDispatchTests
{
    [Theory]
    [InlineData("reference", KernelPath.Reference)]
    [InlineData(" Scalar ", KernelPath.Scalar)]
    public void Parse_KnownName_GivesPath(string text, KernelPath expected) => Assert.Equal(expected, KernelDispatch.Parse(text));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Parse_Unset_GivesWidest(string? text) => Assert.Equal(KernelDispatch.Widest, KernelDispatch.Parse(text));

    [Fact]
    public void Parse_UnknownName_SaysWhatToUse()
    {
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(() => KernelDispatch.Parse("avx9"));
        Assert.Contains("vector256", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Use_Scope_RestoresPreviousPath()
    {
        KernelPath before = KernelDispatch.Current;
        using (KernelDispatch.Use(KernelPath.Scalar)) Assert.Equal(KernelPath.Scalar, KernelDispatch.Current);
        Assert.Equal(before, KernelDispatch.Current);
    }
}
