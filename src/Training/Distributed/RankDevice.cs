using GenoSeq.Torch;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Distributed;

/// <summary>Which device a rank computes on.</summary>
internal static class RankDevice
{
    /// <summary>The configured device; where several ranks share a host's GPUs, the one of this rank.</summary>
    /// <exception cref="ConfigException">The configuration gives all ranks the same GPU.</exception>
    /// <exception cref="MissingLibraryException">The device is not there.</exception>
    internal static Device Of(RunConfig config, DistributedEnvironment? ranks)
    {
        if (ranks is null || ranks.WorldSize == 1 || config.Device == "cpu")
        {
            return ComputeDevice.Require(config.Device);
        }

        if (config.Device != "cuda")
        {
            throw new ConfigException(new ConfigProblem("device", $"is {config.Device}, but each of the {ranks.WorldSize} processes needs a GPU of its own",
                null, "cuda, of which every process takes the GPU of its LOCAL_RANK", "--device cuda"));
        }

        // A scheduler that shows each process its own GPU alone leaves it one with the number 0.
        int index = cuda.is_available() && cuda.device_count() == 1 ? 0 : ranks.LocalRank;
        return ComputeDevice.Require(FormattableString.Invariant($"cuda:{index}"));
    }

    /// <summary>Makes a rank's GPU the current one, for what names none.</summary>
    internal static void Use(RunConfig config, DistributedEnvironment? ranks)
    {
        Device device = Of(config, ranks);
        if (device.Type == DeviceType.CUDA && device.Index > 0)
        {
            cuda.set_device(device.Index);
        }
    }
}
