using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Kernels.Cuda.Runtime;
using GenoSeq.Torch;

namespace GenoSeq.Models.Tests.Cuda;

/// <summary>The check of a device, on one that computes on the host, and the monitor, on a stand-in for its library.</summary>
public sealed class DeviceCheckTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(0.25f)]
    public void Run_Device_SeesItsError(float error)
    {
        DeviceCheckResult result = DeviceCheck.Run(new HostDevice(error), Device.CPU);
        Assert.Equal(error, result.WorstError);
    }

    [Fact]
    public void Run_NotANumber_IsNoSuccess() => Assert.NotEqual(0, DeviceCheck.Run(new HostDevice(float.NaN), Device.CPU).WorstError);

    [ToolFact("gcc")]
    public void Sample_Library_GivesWhatItTells()
    {
        string library = FakeLibrary.Build("fake_nvml.c", "libnvidia-ml.so.1");
        Assert.Equal(new DeviceSample(1980, null, 345.6, 97, 41), DeviceMonitor.Open(library, "0000:46:00.0")!.Sample());
        Assert.Null(DeviceMonitor.Open(library, "0000:47:00.0"));
        Assert.Null(DeviceMonitor.Open("libnvidia-ml-that-is-not-there.so", "0000:46:00.0"));
    }

    // Reads the argument by the offsets that the kernel's text has.
    private sealed unsafe class HostDevice(float error) : KernelDevice
    {
        public override string Name => "host";

        public override int Multiprocessors => 1;

        public override KernelFunction Function(KernelProgram program, string entry, int threads, int sharedBytes = 0) =>
            new HostFunction { Name = entry, Threads = threads, SharedBytes = sharedBytes, BlocksPerMultiprocessor = 1 };

        protected override void LaunchRaw(KernelFunction function, uint x, uint y, uint z, void* argument, int bytes)
        {
            Assert.Equal(40, bytes);
            byte* a = (byte*)argument;
            float* input = *(float**)a;
            float* output = *(float**)(a + 8);
            float* sums = *(float**)(a + 16);
            long n = *(long*)(a + 24);
            float factor = *(float*)(a + 32);
            for (long b = 0; b < x; b++)
            {
                for (long i = b * function.Threads; i < Math.Min(n, (b + 1) * function.Threads); i++)
                {
                    output[i] = (factor * input[i]) + output[i];
                    sums[b] += output[i];
                }
            }

            output[n / 2] += error;
        }

        private sealed class HostFunction : KernelFunction;
    }
}
