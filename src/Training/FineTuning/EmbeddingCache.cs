using GenoSeq.Data;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>Pooled states of a frozen model, each computed once and kept in memory.</summary>
internal sealed class EmbeddingCache(TaskModel model, LabelledSet set, int batch) : IDisposable
{
    private readonly Dictionary<(Example Example, bool Reverse), long> _index = [];
    private Tensor? _states;

    /// <summary>Computes the states of examples that are not there yet.</summary>
    /// <param name="examples">The examples.</param>
    /// <param name="bothStrands">Also of their reverse complements.</param>
    /// <param name="stop">Ends the work between two batches.</param>
    internal void Add(IEnumerable<Example> examples, bool bothStrands, CancellationToken stop)
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (Example Example, bool Reverse)[] wanted =
        [
            .. examples.SelectMany(e => bothStrands ? [(e, false), (e, true)] : new[] { (e, false) })
                .Where(k => !_index.ContainsKey(k)).Distinct().OrderBy(k => k.Item1.Length),
        ];
        var parts = new List<Tensor>();
        foreach ((Example Example, bool Reverse)[] chunk in wanted.Chunk(batch))
        {
            stop.ThrowIfCancellationRequested();
            using DisposeScope inner = NewDisposeScope();
            parts.Add(model.Pooled(set, Array.ConvertAll(chunk, k => k.Example), Array.ConvertAll(chunk, k => k.Reverse)).MoveToOuterDisposeScope());
        }

        foreach ((Example, bool) key in wanted)
        {
            _index.Add(key, _index.Count);
        }

        if (parts.Count > 0)
        {
            Tensor? before = _states;
            _states = cat([.. before is null ? [] : new[] { before }, .. parts]).DetachFromDisposeScope();
            before?.Dispose();
        }
    }

    /// <summary>States of examples that were added: f32 [batch, d_model].</summary>
    internal Tensor Pooled(Example[] examples, bool[] reverse)
    {
        long[] at = [.. examples.Select((e, i) => _index[(e, reverse[i])])];
        return _states!.index_select(0, tensor_async<long>(at, [at.Length], _states.device));
    }

    public void Dispose() => _states?.Dispose();
}
