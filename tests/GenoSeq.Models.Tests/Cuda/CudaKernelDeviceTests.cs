using System.Runtime.InteropServices;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;

namespace GenoSeq.Models.Tests.Cuda;

/// <summary>The device on a stand-in for CUDA's driver: what is called, in which context, and what is said when it fails.</summary>
public sealed unsafe class CudaKernelDeviceTests : IDisposable
{
    private static readonly KernelProgram s_program = new(["common.cu", "rmsnorm.cu"], "GS_F32_IO=1");
    private static readonly nint s_stream = 0x1234;

    private readonly TemporaryFolder _folder = new();
    private readonly FakeCompiler _compiler = new(delay: TimeSpan.FromMilliseconds(20));
    private FakeState* _state;

    public void Dispose() => _folder.Dispose();

    [ToolFact("gcc")]
    public void Device_Driver_SaysNameAndSize()
    {
        CudaKernelDevice device = Device(1);
        Assert.Equal(("Fake GPU 1", 132, "sm_90a"), (device.Name, device.Multiprocessors, device.Architecture));
    }

    [ToolFact("gcc")]
    public void Launch_Function_PassesAllToTheDriver()
    {
        CudaKernelDevice device = Device();
        KernelFunction f = device.Function(s_program, "gs_norm_fwd", 256, 1000);
        Assert.Equal(("gs_norm_fwd", 256, 1000, 4, 99, 16), (f.Name, f.Threads, f.SharedBytes, f.BlocksPerMultiprocessor, f.Registers, f.LocalBytes));
        device.Launch(f, (3, 2, 1), new Argument { A = 7, B = -8, C = 9, D = 10, E = 11 });
        Assert.Equal((3u, 2u, 1u, 256u, 1000u), (_state->X, _state->Y, _state->Z, _state->Threads, _state->Shared));
        Assert.Equal(s_stream, _state->Stream);
        Assert.Equal((7, -8, 9), (_state->A0, _state->A1, _state->A2));
        Assert.Equal((11L << 32) | 10, _state->A3);
        // An empty grid is no launch.
        device.Launch(f, (0, 2, 1), default(Argument));
        Assert.Equal(1, _state->Launches);
    }

    [ToolFact("gcc")]
    public void Launch_Many_AllocatesNothing()
    {
        CudaKernelDevice device = Device();
        KernelFunction f = device.Function(s_program, "gs_norm_fwd", 256);
        Run(100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(100);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Run(int times)
        {
            for (int i = 0; i < times; i++)
            {
                KernelFunction same = device.Function(s_program, "gs_norm_fwd", 256);
                device.Launch(same, (1, 1, 1), new Argument { A = i });
            }

            Assert.Same(f, device.Function(s_program, "gs_norm_fwd", 256));
        }
    }

    [ToolFact("gcc")]
    public void Function_ManyThreads_CompileAndLoadOnce()
    {
        CudaKernelDevice device = Device();
        int loads = _state->Loads;
        Parallel.For(0, 32, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => device.Function(s_program, i % 2 == 0 ? "a" : "b", 128));
        Assert.Equal(1, _compiler.Calls);
        Assert.Equal(loads + 1, _state->Loads);
        Assert.Contains("sm_90a", Marshal.PtrToStringUTF8((nint)_state->Module), StringComparison.Ordinal);
    }

    [ToolFact("gcc")]
    public void Function_MuchSharedMemory_OptsInAndNeverShrinks()
    {
        CudaKernelDevice device = Device();
        device.Function(s_program, "a", 128, 40_000);
        Assert.Equal(0, _state->SharedAttribute);
        device.Function(s_program, "a", 128, 100_000);
        device.Function(s_program, "a", 128, 60_000);
        Assert.Equal(100_000, _state->SharedAttribute);
        CudaKernelException e = Assert.Throws<CudaKernelException>(() => device.Function(s_program, "a", 128, 240_000));
        Assert.Contains("240000 bytes of shared memory", e.Message, StringComparison.Ordinal);
    }

    [ToolFact("gcc")]
    public void Function_EntryAbsent_SaysWhichOfWhat()
    {
        CudaKernelException e = Assert.Throws<CudaKernelException>(() => Device().Function(s_program, "gs_absent", 128));
        Assert.Contains("cuModuleGetFunction of gs_absent of common.cu + rmsnorm.cu [GS_F32_IO=1] with 128 threads", e.Message, StringComparison.Ordinal);
        Assert.Contains("CUDA_ERROR_NOT_FOUND (500): the text of it", e.Message, StringComparison.Ordinal);
    }

    [ToolFact("gcc")]
    public void Function_NothingFits_SaysWhy()
    {
        CudaKernelDevice device = Device();
        _state->Blocks = 0;
        CudaKernelException e = Assert.Throws<CudaKernelException>(() => device.Function(s_program, "a", 128));
        Assert.Contains("99 registers", e.Message, StringComparison.Ordinal);
    }

    [ToolFact("gcc")]
    public void Function_CompilerFailed_IsAskedAgainNextTime()
    {
        var broken = new KernelProgram(["common.cu"], "X=#error");
        CudaKernelDevice device = Device(compiler: new FailingOnce());
        Assert.Throws<CudaKernelException>(() => device.Function(broken, "a", 128));
        Assert.NotNull(device.Function(broken, "a", 128));
    }

    [ToolFact("gcc")]
    public void Launch_DriverRefuses_SaysCallKernelGridAndMemory()
    {
        CudaKernelDevice device = Device();
        KernelFunction f = device.Function(s_program, "gs_norm_fwd", 256, 1000);
        _state->LaunchStatus = 701;
        CudaKernelException e = Assert.Throws<CudaKernelException>(() => device.Launch(f, (3, 2, 1), default(Argument)));
        Assert.StartsWith(
            "cuLaunchKernel of gs_norm_fwd with grid (3, 2, 1), 256 threads and 1000 bytes of shared memory on device 0 (Fake GPU 0): CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (701)",
            e.Message, StringComparison.Ordinal);
        Assert.Equal(701, e.Code);
        _state->LaunchStatus = 700;
        e = Assert.Throws<CudaKernelException>(() => device.Launch(f, (1, 1, 1), default(Argument)));
        Assert.Contains(CudaKernelDevice.SyncVariable, e.Message, StringComparison.Ordinal);
    }

    [ToolFact("gcc")]
    public void Launch_OtherThread_HasTheDevicesContext()
    {
        CudaKernelDevice zero = Device();
        var one = new CudaKernelDevice(Driver(), 1, _ => new KernelBuilder(_compiler, new KernelCache(null), 90, []), _ => s_stream);
        KernelFunction f = zero.Function(s_program, "a", 128);
        KernelFunction g = one.Function(s_program, "a", 128);
        Exception? failed = null;
        var thread = new Thread(() =>
        {
            try
            {
                zero.Launch(f, (1, 1, 1), default(Argument));
                Assert.Equal(1, _state->LaunchContext);
                int sets = _state->ContextSets;
                zero.Launch(f, (1, 1, 1), default(Argument));
                Assert.Equal(sets, _state->ContextSets);
                one.Launch(g, (1, 1, 1), default(Argument));
                Assert.Equal(2, _state->LaunchContext);
                // The thread has its own context back.
                sets = _state->ContextSets;
                zero.Launch(f, (1, 1, 1), default(Argument));
                Assert.Equal(1, _state->LaunchContext);
                Assert.Equal(sets, _state->ContextSets);
            }
            catch (Exception e)
            {
                failed = e;
            }
        });
        thread.Start();
        thread.Join();
        Assert.Null(failed);
    }

    [ToolFact("gcc")]
    public void Device_IndexBeyondTheLast_Throws() =>
        Assert.Contains("cuDeviceGet(2)", Assert.Throws<CudaKernelException>(() => Device(2)).Message, StringComparison.Ordinal);

    [Fact]
    public void Find_NoDriver_SaysWhatToDo()
    {
        MissingLibraryException e = Assert.Throws<MissingLibraryException>(() => DriverApi.Find(["libcuda-that-is-not-there.so"]));
        Assert.Contains("libcuda-that-is-not-there.so", e.What, StringComparison.Ordinal);
        Assert.Contains("driver", e.Try, StringComparison.Ordinal);
    }

    // Every test has a library of its own, since the state is the library's.
    private DriverApi Driver()
    {
        string file = _folder["libcuda.so.1"];
        if (!File.Exists(file))
        {
            FakeLibrary.Compile("fake_cuda.c", file);
        }

        var get = (delegate* unmanaged[Cdecl]<FakeState*>)NativeLibrary.GetExport(NativeLibrary.Load(file), "fake_get");
        _state = get();
        return DriverApi.Find([file]);
    }

    private CudaKernelDevice Device(int index = 0, IKernelCompiler? compiler = null) => new(
        Driver(), index, capability => new KernelBuilder(compiler ?? _compiler, new KernelCache(_folder["cache"]), capability, [80, 90]), _ => s_stream);

    private struct Argument
    {
        internal long A, B, C;
        internal int D, E;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct FakeState
    {
        internal int Version, Init, Capability, LaunchStatus, Blocks;
        internal int Loads, Launches, SharedAttribute, ContextSets;
        internal uint X, Y, Z, Threads, Shared;
        internal nint Stream;
        internal long A0, A1, A2, A3;
        internal nint LaunchContext;
        internal fixed byte Module[512];
    }

    private sealed class FailingOnce : IKernelCompiler
    {
        private bool _failed;

        public string Identity => "failing once";

        public byte[] Compile(CompileRequest request)
        {
            if (!_failed)
            {
                _failed = true;
                throw new CompileFailedException("no", 6);
            }

            return [1];
        }
    }
}
