using GenoSeq.Emulator;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Torch.Safetensors;

namespace GenoSeq.Numerics.Tests.Golden;

/// <summary>The recorded scan through the CUDA kernels, on the emulated device.</summary>
public sealed class DeviceScanVerificationTests
{
    [SharedFact]
    public void Run_RecordedScan_AgreesOnTheDevicePath()
    {
        using SafetensorsCheckpoint reference = SafetensorsCheckpoint.Open(Repository.SharedPath("golden", "selective_scan.safetensors"));
        using EmulatedDevice.Scope emulated = new EmulatedDevice().Use();
        VerificationRow[] rows = [.. ScanVerification.Run(reference, 1e-5, Device.CPU).Where(r => r.Name.StartsWith("cuda: ", StringComparison.Ordinal))];
        Assert.Equal(10, rows.Length);
        Assert.All(rows, r => Assert.True(r.Passed, $"{r.Name}: {r.Error}"));
    }
}
