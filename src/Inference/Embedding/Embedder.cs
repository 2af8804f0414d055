using GenoSeq.Data;
using GenoSeq.Inference.Streaming;
using GenoSeq.Models;
using GenoSeq.Models.Streaming;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Embedding;

/// <summary>
/// Embeddings of sequences. A sequence's rows are the same, to rounding, alone, in a batch, and in chunks: padding stands behind a
/// sequence and is another sequence to the model, and chunks carry what layers carry.
/// </summary>
public sealed class Embedder
{
    private const long DeviceBatch = 1 << 19;

    /// <summary>Larger ones leave the processor's caches: 1.2 times the time at 16,384.</summary>
    private const long HostBatch = 1 << 12;

    private readonly SequenceModel _model;
    private readonly EmbedOptions _options;
    private readonly StrandReadings _readings;
    private readonly SequenceStream _stream;
    private readonly StreamMemory _memory;

    /// <summary>Prepares a model.</summary>
    /// <param name="model">The model, on its device, with its compute type set.</param>
    /// <param name="options">What to compute.</param>
    /// <exception cref="ArgumentException">The options have problems; each is named.</exception>
    public Embedder(SequenceModel model, EmbedOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, _options) = (model, options ?? new EmbedOptions());
        IReadOnlyList<string> problems = _options.Validate(model.Config);
        if (problems.Count > 0)
        {
            throw new ArgumentException(string.Join("; ", problems), nameof(options));
        }

        _readings = new StrandReadings(model, _options);
        _stream = new SequenceStream(model, _options.Streaming);
        _memory = new StreamMemory(model, _options.Streaming);
    }

    /// <summary>Numbers of a row.</summary>
    public int Width => _readings.RowWidth;

    /// <summary>Positions of a batch, without strands; results depend on it by rounding only.</summary>
    internal long BatchBases => _options.BatchBases > 0 ? _options.BatchBases
        : Math.Clamp(_memory.WholeRows / _readings.Reversed.Length, 1, _model.Device.Type == DeviceType.CUDA ? DeviceBatch : HostBatch);

    /// <summary>Number of rows that a sequence gets.</summary>
    public int Rows(SequenceItem item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return item.Rows(_options.RowBases);
    }

    /// <summary>Rows of sequences, in their order.</summary>
    /// <param name="items">The sequences; each must have bases.</param>
    /// <param name="progress">Told after each piece of work how many bases more are done.</param>
    /// <param name="stop">Ends the work.</param>
    /// <returns>For each sequence [rows, <see cref="Width"/>].</returns>
    /// <exception cref="InputDataException">A sequence is empty, or does not fit into memory.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> asked for it.</exception>
    public float[][] Embed(IReadOnlyList<SequenceItem> items, Action<double>? progress = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        var rows = new float[items.Count][];
        foreach (SequenceItem item in items)
        {
            Check(item);
        }

        int[][] batches = [.. Batches(items)];
        using var ahead = new Ahead();
        for (int b = 0; b < batches.Length; b++)
        {
            stop.ThrowIfCancellationRequested();
            SequenceItem one = items[batches[b][0]];
            if (Streams(one.Length))
            {
                double done = 0;
                rows[batches[b][0]] = Long(one, part =>
                {
                    progress?.Invoke((part * one.Length) - done);
                    done = part * one.Length;
                }, stop);
                continue;
            }

            using Batch batch = ahead.Take() ?? Encoded(items, batches[b]);
            // The next one's ids are made while this one is computed.
            int next = b + 1;
            if (next < batches.Length && !Streams(items[batches[next][0]].Length))
            {
                ahead.Begin(() => Encoded(items, batches[next]));
            }

            float[][] own = Short(batch);
            for (int k = 0; k < own.Length; k++)
            {
                rows[batches[b][k]] = own[k];
            }

            progress?.Invoke(batch.Items.Sum(i => (double)i.Length));
        }

        return rows;
    }

    // Items of like length together, so that little is padding; one that streams by itself.
    private IEnumerable<int[]> Batches(IReadOnlyList<SequenceItem> items)
    {
        int[] order = [.. Enumerable.Range(0, items.Count).OrderBy(i => items[i].Length)];
        long most = BatchBases;
        for (int first = 0, end; first < order.Length; first = end)
        {
            end = first + 1;
            while (!Streams(items[order[first]].Length) && end < order.Length
                && items[order[end]].Length * (end - first + 1L) <= most && !Streams(items[order[end]].Length))
            {
                end++;
            }

            yield return order[first..end];
        }
    }

    private bool Streams(long length) => _options.Streaming.ChunkLength > 0
        ? length > _options.Streaming.ChunkLength
        : length * _readings.Reversed.Length > _memory.WholeRowsOfOne;

    private void Check(SequenceItem item)
    {
        if (item.Length == 0)
        {
            throw new InputDataException($"sequence '{item.Id}' is empty, so it has no embedding", null, "at least one base", "leave the record out");
        }

        if (Streams(item.Length) && StreamedLayer.Obstacle(_model) is { } obstacle)
        {
            throw new InputDataException($"sequence '{item.Id}' of {item.Length:N0} bases needs more memory than the limit, and this model cannot read it in chunks: {obstacle}", null,
                $"at most {_memory.WholeRowsOfOne / _readings.Reversed.Length:N0} bases at this limit", "--window with shorter windows, or a larger --memory-limit");
        }

        long numbers = (long)Rows(item) * _model.Config.DModel;
        if (numbers > Array.MaxLength)
        {
            throw new InputDataException($"sequence '{item.Id}' has {Rows(item):N0} rows, which is more than one array holds", null,
                $"at most {Array.MaxLength / _model.Config.DModel:N0} rows of a sequence", "a larger --bin, or --window");
        }
    }

    // A batch of whole sequences.
    private float[][] Short(Batch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        SequenceItem[] items = batch.Items;
        var results = Array.ConvertAll(items, i => new float[checked(Rows(i) * Width)]);
        _model.VisitStates(OnDevice(batch.Ids), batch.Sequences is { } sequences ? OnDevice(sequences) : null, _readings.Layers, (layer, states) =>
        {
            float[][][] pooled = Pool(items, layer, states);
            for (int index = 0; index < _readings.Layers.Length; index++)
            {
                if (_readings.Layers[index] == layer)
                {
                    for (int i = 0; i < items.Length; i++)
                    {
                        _readings.Join(index, pooled[i], results[i]);
                    }
                }
            }
        });
        return results;
    }

    private Tensor OnDevice(Tensor bytes) => bytes.to(_model.Device).to(int32);

    private Batch Encoded(IReadOnlyList<SequenceItem> items, int[] which)
    {
        SequenceItem[] own = Array.ConvertAll(which, i => items[i]);
        int readings = _readings.Reversed.Length;
        int longest = own.Max(i => i.Length);
        bool padded = Array.Exists(own, i => i.Length != longest);
        var batch = new Batch(own, zeros([own.Length * readings, longest], ScalarType.Byte), padded ? zeros([own.Length * readings, longest], ScalarType.Byte) : null);
        for (int row = 0; row < own.Length * readings; row++)
        {
            ReadOnlySpan<byte> bases = own[row / readings].Bases.Span;
            _readings.Encode(bases, row % readings, batch.Ids.AsSpan<byte>().Slice(row * longest, bases.Length));
            if (padded)
            {
                batch.Sequences!.AsSpan<byte>().Slice((row * longest) + bases.Length, longest - bases.Length).Fill(1);
            }
        }

        return batch;
    }

    // For each sequence and reading [rows, d_model].
    private float[][][] Pool(SequenceItem[] items, int layer, Tensor states)
    {
        using DisposeScope scope = NewDisposeScope();
        int readings = _readings.Reversed.Length;
        bool swapped = _model.StrandsSwapped(layer);
        if (_options.RowBases == 0)
        {
            long[] lengths = [.. Enumerable.Range(0, items.Length * readings).Select(r => (long)items[r / readings].Length)];
            float[] all = RowPooler.Pool(states, lengths, _options.Pooling, swapped).ToArray<float>();
            int width = _model.Config.DModel;
            return [.. Enumerable.Range(0, items.Length).Select(i => Enumerable.Range(0, readings)
                .Select(r => all[(((i * readings) + r) * width)..(((i * readings) + r + 1) * width)]).ToArray())];
        }

        return [.. Enumerable.Range(0, items.Length).Select(i => Enumerable.Range(0, readings).Select(r =>
        {
            using DisposeScope inner = NewDisposeScope();
            BinPooler pooler = Pooler(items[i], r, swapped);
            pooler.Add(0, states.select(0, (i * readings) + r).narrow(0, 0, items[i].Length), false);
            return pooler.Rows();
        }).ToArray())];
    }

    private BinPooler Pooler(SequenceItem item, int reading, bool swapped) =>
        new(_options.Pooling, swapped, item.Length, _options.RowBases, _model.Config.DModel, _readings.Reversed[reading]);

    // One sequence in chunks.
    private float[] Long(SequenceItem item, Action<double> progress, CancellationToken stop)
    {
        int readings = _readings.Reversed.Length;
        var ids = new byte[readings][];
        for (int r = 0; r < readings; r++)
        {
            ids[r] = new byte[item.Length];
            _readings.Encode(item.Bases.Span, r, ids[r]);
        }

        Dictionary<int, BinPooler[]> poolers = _readings.Layers.Distinct().ToDictionary(l => l,
            l => Enumerable.Range(0, readings).Select(r => Pooler(item, r, _model.StrandsSwapped(l))).ToArray());
        _stream.Run(ids, _readings.Layers, (layer, reading, first, states, fromEnd) => poolers[layer][reading].Add(first, states, fromEnd), progress, stop);
        var result = new float[checked(Rows(item) * Width)];
        foreach ((int layer, BinPooler[] own) in poolers)
        {
            float[][] pooled = Array.ConvertAll(own, p => p.Rows());
            for (int index = 0; index < _readings.Layers.Length; index++)
            {
                if (_readings.Layers[index] == layer)
                {
                    _readings.Join(index, pooled, result);
                }
            }
        }

        return result;
    }

    // A row for each reading of each item; Sequences: 1 behind a sequence's end, null where all are of one length.
    private sealed record Batch(SequenceItem[] Items, Tensor Ids, Tensor? Sequences) : IDisposable
    {
        public void Dispose()
        {
            Ids.Dispose();
            Sequences?.Dispose();
        }
    }

    // The batch after the one at hand, made by another thread.
    private sealed class Ahead : IDisposable
    {
        private Task<Batch>? _batch;

        internal void Begin(Func<Batch> make) => _batch = Task.Run(make);

        internal Batch? Take()
        {
            Batch? made = _batch?.GetAwaiter().GetResult();
            _batch = null;
            return made;
        }

        // After an error or a stop there is one that nobody takes.
        public void Dispose() =>
            _batch?.ContinueWith(t => t.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
    }
}
