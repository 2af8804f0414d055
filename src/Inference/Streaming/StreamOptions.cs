using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Streaming;

/// <summary>How sequences that do not fit into memory are read in chunks.</summary>
public sealed record StreamOptions
{
    /// <summary>Bytes that computing may take: of the GPU's memory, or of the host's where it computes. 0: 1 GiB on the host, 70 % of a GPU's free memory.</summary>
    public long MemoryLimit { get; init; }

    /// <summary>Bytes of host memory for what a GPU's memory does not hold, before a file takes it. 0: half of what is available.</summary>
    public long HostLimit { get; init; }

    /// <summary>Folder of the file that takes what memory does not hold; null for the system's folder of temporary files.</summary>
    public string? Scratch { get; init; }

    /// <summary>Positions of a chunk; 0 chooses by the memory.</summary>
    public int ChunkLength { get; init; }

    /// <summary>Type of the residual stream between layers where sequences go in chunks; null for the activations' own.</summary>
    public ScalarType? StreamType { get; init; }

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IEnumerable<string> Validate()
    {
        if (MemoryLimit is < 0 or (> 0 and < 16 << 20)) yield return $"the memory limit is {MemoryLimit} bytes; it must be at least 16 MiB, or 0 for the default";
        if (HostLimit < 0) yield return $"the limit of host memory is {HostLimit} bytes; it must not be negative";
        if (ChunkLength < 0) yield return $"a chunk of {ChunkLength} positions; it must have at least 1, or 0 for the default";
        if (StreamType is not (null or float32 or bfloat16)) yield return $"the stream's type is {StreamType}; it must be fp32 or bf16";
    }
}
