using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text.Json.Nodes;

namespace GenoSeq.Training.Runs;

/// <summary>Where a program runs: what a reader of its results needs in order to judge its speed, and no host name.</summary>
public sealed record EnvironmentInfo
{
    /// <summary>Version of the program.</summary>
    public required string Version { get; init; }

    /// <summary>The .NET runtime.</summary>
    public required string Runtime { get; init; }

    /// <summary>The operating system.</summary>
    public required string Os { get; init; }

    /// <summary>Processor architecture, such as <c>x64</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>Model of the processor, or <c>unknown</c>.</summary>
    public required string CpuModel { get; init; }

    /// <summary>Processors that this process may use.</summary>
    public required int Cores { get; init; }

    /// <summary>Threads that the program was told to use.</summary>
    public required int Threads { get; init; }

    /// <summary>Vector instruction sets found, such as <c>avx2</c>.</summary>
    public required IReadOnlyList<string> Simd { get; init; }

    /// <summary>Memory that this process may use, bytes; a container's limit is honoured.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Further facts: engine version, device, driver, commit.</summary>
    public IReadOnlyDictionary<string, string> Extra { get; init; } = new Dictionary<string, string>();

    /// <summary>Asks the machine.</summary>
    public static EnvironmentInfo Collect(string version, int threads, IReadOnlyDictionary<string, string>? extra = null) => new()
    {
        Version = version,
        Runtime = RuntimeInformation.FrameworkDescription,
        Os = RuntimeInformation.OSDescription,
        Architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(),
        CpuModel = ReadCpuModel("/proc/cpuinfo"),
        Cores = Environment.ProcessorCount,
        Threads = threads,
        Simd = FindSimd(),
        MemoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        Extra = extra ?? new Dictionary<string, string>(),
    };

    /// <summary>The facts as one flat JSON object, extras sorted by name at its end.</summary>
    public JsonObject ToJson()
    {
        JsonObject json = new()
        {
            ["version"] = Version,
            ["runtime"] = Runtime,
            ["os"] = Os,
            ["architecture"] = Architecture,
            ["cpu_model"] = CpuModel,
            ["cores"] = Cores,
            ["threads"] = Threads,
            ["simd"] = new JsonArray([.. Simd.Select(s => (JsonNode?)JsonValue.Create(s))]),
            ["memory_bytes"] = MemoryBytes,
        };
        foreach ((string key, string value) in Extra.OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            json[key] = value;
        }

        return json;
    }

    private static string ReadCpuModel(string path)
    {
        try
        {
            foreach (string line in File.ReadLines(path))
            {
                int colon = line.IndexOf(':', StringComparison.Ordinal);
                if (colon > 0 && line.AsSpan(0, colon).Trim() is "model name" or "Model" or "Hardware")
                {
                    return line[(colon + 1)..].Trim();
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Not Linux, or no /proc: the model stays unknown.
        }

        return "unknown";
    }

    private static string[] FindSimd() =>
    [
        .. new (string Name, bool Has)[]
        {
            ("sse4.2", Sse42.IsSupported), ("avx", Avx.IsSupported), ("avx2", Avx2.IsSupported), ("fma", Fma.IsSupported),
            ("avx512f", Avx512F.IsSupported), ("avx512bw", Avx512BW.IsSupported), ("avx512vbmi", Avx512Vbmi.IsSupported),
            ("neon", AdvSimd.IsSupported),
        }.Where(set => set.Has).Select(set => set.Name),
    ];
}
