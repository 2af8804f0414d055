using System.Globalization;
using System.Text;
using GenoSeq.Data;
using GenoSeq.Inference.Input;
using GenoSeq.Inference.Output;
using GenoSeq.Models;

namespace GenoSeq.Inference.Embedding;

/// <summary>An export of embeddings: from sequences to one file.</summary>
public sealed class EmbedRun
{
    private const int GroupItems = 4096;
    private const int GroupBatches = 16;

    private readonly SequenceModel _model;
    private readonly Embedder _embedder;
    private readonly EmbedRunOptions _options;

    /// <summary>Prepares an export.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">What is exported.</param>
    /// <exception cref="ArgumentException">The options have problems; each is named.</exception>
    public EmbedRun(SequenceModel model, EmbedRunOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_model, _options) = (model, options);
        _embedder = new Embedder(model, options.Embed);
        Metadata = MakeMetadata();
    }

    /// <summary>What goes into outputs that can hold it.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Whether this output is there, and nothing of an interrupted export.</summary>
    public bool IsComplete => (File.Exists(_options.Output) || Directory.Exists(_options.Output)) && !Directory.Exists(RowJournal.FolderOf(_options.Output));

    /// <summary>Computes what is not there yet and writes the output.</summary>
    /// <param name="progress">Told after each piece of work.</param>
    /// <param name="warn">Told what is wrong but no error.</param>
    /// <param name="stop">Ends the work; with <see cref="EmbedRunOptions.Resume"/> it can go on later.</param>
    /// <returns>What was done.</returns>
    /// <exception cref="InputDataException">The input cannot be read or embedded.</exception>
    /// <exception cref="OutputException">The output cannot be written.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    public EmbedRunResult Run(Action<EmbedProgress>? progress = null, Action<string>? warn = null, CancellationToken stop = default)
    {
        EmbeddingFormat format = _options.Format;
        format.Require(_options.FormatOptions);
        if (_options.Output == AtomicOutput.StandardOutput)
        {
            return format is TsvFormat
                ? ToStandardOutput(progress, warn, stop)
                : throw new OutputException(OutputProblem.Refused, $"{format.Name} cannot go to standard output", "-", "tsv for standard output", "an output file");
        }

        if (!_options.FormatOptions.Force && (File.Exists(_options.Output) || Directory.Exists(_options.Output)))
        {
            throw new OutputException(OutputProblem.Refused, "the output exists", _options.Output, "a new name", "another name, or --force to replace it");
        }

        using RowJournal journal = RowJournal.Open(_options.Output, Plan(), _embedder.Width, _options.Resume);
        var counts = new Counts(journal.Items);
        foreach (SequenceItem[] group in Groups(SequenceInputs.Read(_options.Input, warn), counts, stop))
        {
            float[][] rows = Embed(group, counts, progress, stop);
            for (int i = 0; i < group.Length; i++)
            {
                journal.Add(rows[i], Places(group[i]));
            }

            counts.Items += group.Length;
            journal.Commit(counts.Items);
        }

        if (counts.Items == 0)
        {
            throw NoSequences();
        }

        format.Write(journal.Table(Metadata), _options.Output, _options.FormatOptions);
        journal.Remove();
        return new EmbedRunResult(counts.Items, journal.Rows, (long)counts.Bases, _embedder.Width);
    }

    private EmbedRunResult ToStandardOutput(Action<EmbedProgress>? progress, Action<string>? warn, CancellationToken stop)
    {
        using AtomicOutput output = AtomicOutput.Create(AtomicOutput.StandardOutput);
        var counts = new Counts(0);
        long written;
        using (var text = new StreamWriter(output.Stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" })
        {
            written = WriteRows(text, counts, progress, warn, stop);
        }

        output.Commit();
        return new EmbedRunResult(counts.Items, written, (long)counts.Bases, _embedder.Width);
    }

    private long WriteRows(StreamWriter text, Counts counts, Action<EmbedProgress>? progress, Action<string>? warn, CancellationToken stop)
    {
        TsvFormat.WriteHeader(text, _embedder.Width);
        long written = 0;
        foreach (SequenceItem[] group in Groups(SequenceInputs.Read(_options.Input, warn), counts, stop))
        {
            float[][] rows = Embed(group, counts, progress, stop);
            for (int i = 0; i < group.Length; i++)
            {
                int at = 0;
                foreach (RowPlace place in Places(group[i]))
                {
                    TsvFormat.WriteRow(text, place, rows[i].AsSpan(at, _embedder.Width));
                    at += _embedder.Width;
                    written++;
                }
            }

            counts.Items += group.Length;
        }

        if (counts.Items == 0)
        {
            throw NoSequences();
        }

        return written;
    }

    private InputDataException NoSequences() => new("there are no sequences", string.Join(", ", _options.Input.Files), "at least one", "check the input, --bed and --region");

    private float[][] Embed(SequenceItem[] group, Counts counts, Action<EmbedProgress>? progress, CancellationToken stop) =>
        _embedder.Embed(group, bases =>
        {
            counts.Bases += bases;
            progress?.Invoke(new EmbedProgress(counts.Items, counts.Bases, counts.Skipped));
        }, stop);

    private IEnumerable<RowPlace> Places(SequenceItem item)
    {
        int rowBases = _options.Embed.RowBases;
        int rows = item.Rows(rowBases);
        for (int r = 0; r < rows; r++)
        {
            (long start, long end) = item.Place(r, rowBases);
            yield return new RowPlace(item.Id, item.Contig, start, end, item.Strand);
        }
    }

    // Cut by the input alone, so that an export that goes on makes the batches that it would have made.
    private IEnumerable<SequenceItem[]> Groups(IEnumerable<SequenceItem> items, Counts counts, CancellationToken stop)
    {
        long skip = counts.Items;
        long most = GroupBatches * _embedder.BatchBases;
        var group = new List<SequenceItem>();
        long bases = 0;
        foreach (SequenceItem item in items)
        {
            stop.ThrowIfCancellationRequested();
            if (skip > 0)
            {
                skip--;
                counts.Skipped += item.Length;
                continue;
            }

            if (group.Count > 0 && (bases + item.Length > most || group.Count == GroupItems))
            {
                yield return [.. group];
                group.Clear();
                bases = 0;
            }

            group.Add(item);
            bases += item.Length;
        }

        if (group.Count > 0)
        {
            yield return [.. group];
        }
    }

    private SortedDictionary<string, string> MakeMetadata() => new(StringComparer.Ordinal)
    {
        ["version"] = _options.Version,
        ["model_sha256"] = _options.ModelDigest,
        ["model_family"] = _model.Config.Family(),
        ["layers"] = string.Join(",", _options.Embed.LayerNumbers(_model.Config)),
        ["pooling"] = _options.Embed.RowBases == 1 ? "none" : Name(_options.Embed.Pooling),
        ["bin"] = Number(_options.Embed.RowBases),
        ["window"] = Number(_options.Input.Window),
        ["stride"] = Number(_options.Input.Stride > 0 ? _options.Input.Stride : _options.Input.Window),
        ["strand"] = Name(_options.Embed.StrandsOf(_model.Config)),
        ["precision"] = _model.ComputeType == Torch.torch.bfloat16 ? "bf16" : "fp32",
        ["width"] = Number(_embedder.Width),
    };

    // All that rows depend on, and what the input is; an export goes on where this is the same.
    private string Plan()
    {
        IEnumerable<string> settings = Metadata.Select(p => $"{p.Key}={p.Value}")
            .Append($"batch={Number(_embedder.BatchBases)}")
            .Append($"memory={Number(_options.Embed.Streaming.MemoryLimit)}")
            .Append($"chunk={Number(_options.Embed.Streaming.ChunkLength)}")
            .Append($"stream={_options.Embed.Streaming.StreamType}")
            .Append($"device={_model.Device}")
            .Append($"columns={_options.Input.SequenceColumn},{_options.Input.IdColumn}")
            .Append($"regions={string.Join(",", _options.Input.Regions)}")
            .Concat(_options.Input.Files.Append(_options.Input.Bed ?? "").Where(f => f.Length > 0).Select(Fact));
        return string.Join("\n", settings);
    }

    private static string Fact(string file) => File.Exists(file)
        ? string.Create(CultureInfo.InvariantCulture, $"input={Path.GetFullPath(file)} {new FileInfo(file).Length} {File.GetLastWriteTimeUtc(file):O}")
        : $"input={file}";

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

#pragma warning disable CA1308 // Names on the command line are in lower case.
    private static string Name<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
#pragma warning restore CA1308

    private sealed class Counts(long items)
    {
        internal long Items { get; set; } = items;

        internal double Bases { get; set; }

        internal long Skipped { get; set; }
    }
}

/// <summary>What is exported.</summary>
public sealed record EmbedRunOptions
{
    /// <summary>Where sequences come from.</summary>
    public required SequenceInputOptions Input { get; init; }

    /// <summary>What is computed of each.</summary>
    public EmbedOptions Embed { get; init; } = new();

    /// <summary>The output, or <c>-</c>.</summary>
    public required string Output { get; init; }

    /// <summary>The output's format.</summary>
    public required EmbeddingFormat Format { get; init; }

    /// <summary>How it is written.</summary>
    public EmbeddingFormatOptions FormatOptions { get; init; } = new();

    /// <summary>Continue an interrupted export of the same.</summary>
    public bool Resume { get; init; }

    /// <summary>Digest of the model, for the output's metadata.</summary>
    public string ModelDigest { get; init; } = "";

    /// <summary>Version of the program.</summary>
    public string Version { get; init; } = "";
}

/// <summary>How far an export has come.</summary>
/// <param name="Items">Sequences done, those of an interrupted export included.</param>
/// <param name="Bases">Bases done in this process.</param>
/// <param name="Skipped">Bases that an interrupted export had done.</param>
public readonly record struct EmbedProgress(long Items, double Bases, long Skipped);

/// <summary>What an export did.</summary>
/// <param name="Items">Sequences.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Bases">Bases that this process computed on.</param>
/// <param name="Width">Numbers of a row.</param>
public sealed record EmbedRunResult(long Items, long Rows, long Bases, int Width);
