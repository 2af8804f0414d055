using System.Runtime.InteropServices;
using GenoSeq.Data;
using GenoSeq.Inference.Output.AnnData;

namespace GenoSeq.Inference.Output;

/// <summary>A file format of embeddings.</summary>
public abstract class EmbeddingFormat
{
    /// <summary>Name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>What a file's name ends in.</summary>
    public abstract string Extension { get; }

    /// <summary>The formats.</summary>
    public static IReadOnlyList<EmbeddingFormat> All { get; } =
        [new NpyFormat(), new NpzFormat(), new ParquetFormat(), new TsvFormat(), new SafetensorsFormat(), new ZarrFormat(), new H5adFormat()];

    /// <summary>The format of a name, or by an output's extension.</summary>
    /// <param name="name">A format's name; null to go by the output.</param>
    /// <param name="output">The output; <c>-</c> is tab-separated.</param>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static EmbeddingFormat Find(string? name, string output)
    {
        ArgumentNullException.ThrowIfNull(output);
        string ending = output.TrimEnd('/');
        EmbeddingFormat? found = name is not null ? All.FirstOrDefault(f => string.Equals(f.Name, name, StringComparison.OrdinalIgnoreCase))
            : output == AtomicOutput.StandardOutput ? new TsvFormat()
            : All.FirstOrDefault(f => ending.EndsWith(f.Extension, StringComparison.OrdinalIgnoreCase));
        return found ?? throw new ArgumentException(name is not null
            ? $"there is no format '{name}'; expected {string.Join(", ", All.Select(f => f.Name))}"
            : $"'{output}' does not say which format it is; expected an ending of {string.Join(", ", All.Select(f => f.Extension))}, or --format");
    }

    /// <summary>Complains before any work is done, where the format cannot be written.</summary>
    /// <exception cref="Exception">What is missing, with its cure.</exception>
    public virtual void Require(EmbeddingFormatOptions options)
    {
    }

    /// <summary>Writes a table; the output appears whole or not at all.</summary>
    /// <param name="table">The rows.</param>
    /// <param name="path">The output.</param>
    /// <param name="options">How.</param>
    /// <exception cref="OutputException">The output exists and may not be replaced, or cannot be written.</exception>
    public abstract void Write(EmbeddingTable table, string path, EmbeddingFormatOptions options);

    /// <summary>Hands out the numbers of a table row by row; spans are valid until the next call.</summary>
    internal static void EachRow(EmbeddingTable table, Action<RowPlace, float[]> row)
    {
        using Stream values = table.Values();
        var numbers = new float[table.Width];
        foreach (RowPlace place in table.Places())
        {
            values.ReadExactly(MemoryMarshal.AsBytes(numbers.AsSpan()));
            row(place, numbers);
        }
    }
}

/// <summary>How a format is written.</summary>
public sealed record EmbeddingFormatOptions
{
    /// <summary>Whether an output that exists may be replaced.</summary>
    public bool Force { get; init; }

    /// <summary>Parquet: a column for each number in place of one list.</summary>
    public bool Wide { get; init; }

    /// <summary>zarr: version of the format, 2 or 3.</summary>
    public int ZarrVersion { get; init; } = 2;

    /// <summary>zarr and HDF5: compress chunks with gzip.</summary>
    public bool Compress { get; init; }
}
