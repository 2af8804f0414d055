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

        // Of like length together, so that little is padding.
        int[] order = [.. Enumerable.Range(0, items.Count).OrderBy(i => items[i].Length)];
        long batch = BatchBases;
        for (int first = 0, end; first < order.Length; first = end)
        {
            stop.ThrowIfCancellationRequested();
            SequenceItem one = items[order[first]];
            if (Streams(one.Length))
            {
                double done = 0;
                rows[order[first]] = Long(one, part =>
                {
                    progress?.Invoke((part * one.Length) - done);
                    done = part * one.Length;
                }, stop);
                end = first + 1;
                continue;
            }

            end = first + 1;
            while (end < order.Length && items[order[end]].Length * (end - first + 1L) <= batch && !Streams(items[order[end]].Length))
            {
                end++;
            }

            SequenceItem[] some = [.. order[first..end].Select(i => items[i])];
            float[][] own = Short(some);
            for (int k = 0; k < own.Length; k++)
            {
                rows[order[first + k]] = own[k];
            }

            progress?.Invoke(some.Sum(i => (double)i.Length));
        }

        return rows;
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
    private float[][] Short(SequenceItem[] items)
    {
        int longest = items.Max(i => i.Length);
        int readings = _readings.Reversed.Length;
        bool padded = Array.Exists(items, i => i.Length != longest);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor ids = zeros([items.Length * readings, longest], int32);
        Tensor? sequences = padded ? zeros(ids.shape, int32) : null;
        Fill(items, longest, ids.AsSpan<int>(), sequences is null ? default : sequences.AsSpan<int>());
        var results = Array.ConvertAll(items, i => new float[checked(Rows(i) * Width)]);
        _model.VisitStates(ids.to(_model.Device), sequences?.to(_model.Device), _readings.Layers, (layer, states) =>
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

    private void Fill(SequenceItem[] items, int longest, Span<int> ids, Span<int> sequences)
    {
        int readings = _readings.Reversed.Length;
        byte[] own = new byte[longest];
        for (int row = 0; row < items.Length * readings; row++)
        {
            ReadOnlySpan<byte> bases = items[row / readings].Bases.Span;
            _readings.Encode(bases, row % readings, own.AsSpan(0, bases.Length));
            for (int t = 0; t < bases.Length; t++)
            {
                ids[(row * longest) + t] = own[t];
            }

            if (!sequences.IsEmpty)
            {
                sequences.Slice((row * longest) + bases.Length, longest - bases.Length).Fill(1);
            }
        }
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
        _stream.Run(ids, _readings.Layers, (layer, first, states, fromEnd) =>
        {
            for (int r = 0; r < readings; r++)
            {
                using Tensor own = states.select(0, r);
                poolers[layer][r].Add(first, own, fromEnd);
            }
        }, progress, stop);
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
}
