using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;

namespace GenoSeq.Models.Tests.Cuda;

/// <summary>What the compiler is asked for, and what is said when it refuses.</summary>
public class KernelBuilderTests
{
    [Theory]
    [InlineData(90, "80 86 90 100", "sm_90a")]
    [InlineData(80, "80 86 90", "sm_80")]
    [InlineData(86, "", "sm_86")]
    [InlineData(120, "80 86 90 100 120", "sm_120")]
    [InlineData(90, "50 70 80 86", "compute_86")]
    [InlineData(100, "80 90", "compute_90")]
    public void Choose_Device_GivesItsArchitectureOrTheNearest(int capability, string known, string expected) => Assert.Equal(expected,
        KernelBuilder.Choose(capability, [.. known.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)], "NVRTC 12.0"));

    [Theory]
    [InlineData(75, "75 80", "7.5")]
    [InlineData(90, "50 75", "NVRTC 10.0")]
    public void Choose_TooOld_SaysWhat(int capability, string known, string named)
    {
        MissingLibraryException e = Assert.Throws<MissingLibraryException>(
            () => KernelBuilder.Choose(capability, [.. known.Split(' ').Select(int.Parse)], "NVRTC 10.0"));
        Assert.Contains(named, e.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Request_Program_HasItsDefinitionsAndLines()
    {
        var program = new KernelProgram(["common.cu", "rmsnorm.cu"], "GS_F32_IO=1", "GS_NORM_VECS=2");
        CompileRequest request = new KernelBuilder(new FakeCompiler(), new KernelCache(null), 90, [90]).Request(program);
        Assert.Equal(["--gpu-architecture=sm_90a", "--std=c++17", "-DGS_F32_IO=1", "-DGS_NORM_VECS=2"], request.Options);
        Assert.Contains("#line 1 \"rmsnorm.cu\"\n", request.Source, StringComparison.Ordinal);
        CompileRequest lines = new KernelBuilder(new FakeCompiler(), new KernelCache(null), 90, [90], lineInfo: true).Request(program);
        Assert.Contains("--generate-line-info", lines.Options);
    }

    [Fact]
    public void Build_CompilerRefuses_SaysEntryProgramArchitectureAndLog()
    {
        var program = new KernelProgram(["common.cu", "rmsnorm.cu"], "GS_F32_IO=1");
        CudaKernelException e = Assert.Throws<CudaKernelException>(
            () => new KernelBuilder(new Refusing(), new KernelCache(null), 90, [90]).Build(program, "gs_norm_fwd"));
        Assert.Equal("kernel gs_norm_fwd of common.cu + rmsnorm.cu [GS_F32_IO=1] did not compile for sm_90a (refusing 1):\nrmsnorm.cu(7): error: no", e.Message);
        Assert.Equal(6, e.Code);
    }

    private sealed class Refusing : IKernelCompiler
    {
        public string Identity => "refusing 1";

        public byte[] Compile(CompileRequest request) => throw new CompileFailedException("rmsnorm.cu(7): error: no", 6);
    }
}
