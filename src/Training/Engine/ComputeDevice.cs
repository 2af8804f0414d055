using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Engine;

/// <summary>Devices by their names.</summary>
public static class ComputeDevice
{
    /// <summary>The device of a name, which must be there.</summary>
    /// <param name="name">cpu, cuda or cuda:N.</param>
    /// <exception cref="ConfigException">The name is none.</exception>
    /// <exception cref="MissingLibraryException">The device is not there.</exception>
    public static Device Require(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        Device device;
        try
        {
            device = Device.Parse(name);
        }
        catch (FormatException)
        {
            throw new ConfigException(new ConfigProblem("device", $"'{name}' is not a device", null, "cpu, cuda or cuda:N", "--device cpu"));
        }

        if (device.Type == DeviceType.CUDA && device.Index >= cuda.device_count())
        {
            throw new MissingLibraryException(
                $"device {name} is not there: {cuda.device_count()} CUDA devices can be used",
                cuda.is_compiled() ? "a visible NVIDIA GPU with its driver" : "a native library built against a libtorch with CUDA",
                cuda.is_compiled() ? "device=cpu, or check nvidia-smi" : "device=cpu, or `make native LIBTORCH=/path/to/cuda/libtorch`");
        }

        return device;
    }
}
