using System.Reflection;
using GenoSeq.Torch;

namespace GenoSeq.Cli.Commands;

/// <summary>What the program says of itself.</summary>
internal static class AppVersion
{
    internal static string Text { get; } =
        typeof(AppVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    internal static IEnumerable<string> Details()
    {
        string libtorch;
        try
        {
            libtorch = $"libtorch {torch.__version__}, CUDA devices: {torch.cuda.device_count()}";
        }
        catch (Exception e) when (e is MissingLibraryException or DllNotFoundException)
        {
            libtorch = "libtorch: not found (run `make native`)";
        }

        return [libtorch, $".NET {Environment.Version}, {Environment.ProcessorCount} cores"];
    }
}
