using GenoSeq.Data;

namespace GenoSeq.Training.FineTuning;

/// <summary>Training rows of one step.</summary>
/// <param name="Examples">The rows.</param>
/// <param name="Reverse">For each, whether its reverse complement is read.</param>
internal sealed record RowBatch(Example[] Examples, bool[] Reverse)
{
    /// <summary>One pass over rows, in an order of its own.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="config">Rows of a step; whether strands are drawn.</param>
    /// <param name="model">An equivariant one needs no other strand.</param>
    /// <param name="seed">Of the run.</param>
    /// <param name="stream">Begins the names of the streams of random numbers.</param>
    /// <param name="epoch">Number of the pass.</param>
    internal static IEnumerable<RowBatch> Epoch(Example[] rows, FineTuningConfig config, TaskModel model, long seed, string stream, int epoch)
    {
        Example[] order = [.. rows];
        var random = new CounterRandom(seed, stream + " order", epoch);
        for (int i = order.Length - 1; i > 0; i--)
        {
            int j = (int)random.NextInt64(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        var strands = new CounterRandom(seed, stream + " strands", epoch);
        bool augment = config.RcAugment && !model.Model.Config.RcEquivariant;
        foreach (Example[] batch in order.Chunk(config.BatchSize))
        {
            yield return new RowBatch(batch, Array.ConvertAll(batch, _ => augment && (strands.NextUInt32() & 1) != 0));
        }
    }

    /// <summary>In passes of some rows, those of like length together: less padding. The gradient is a sum over rows, whatever their order.</summary>
    internal IEnumerable<RowBatch> Passes(int rows) => Enumerable.Range(0, Examples.Length).OrderBy(i => Examples[i].Length).Chunk(rows)
        .Select(chunk => new RowBatch(Array.ConvertAll(chunk, i => Examples[i]), Array.ConvertAll(chunk, i => Reverse[i])));
}
