using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Scoring;

/// <summary>
/// Runs rows of different lengths through a model in batches. Rows of one batch have nearly the same length; what fills them up is, for
/// a causal model, behind everything that counts, and for others a sequence of its own, from which nothing is carried.
/// </summary>
internal sealed class RowRunner
{
    private readonly SequenceModel _model;
    private readonly Alphabet _alphabet;
    private readonly int _batchTokens;

    internal RowRunner(SequenceModel model, Alphabet alphabet, int batchTokens)
    {
        _model = model;
        _alphabet = alphabet;
        _batchTokens = batchTokens;
    }

    /// <summary>Fills the rows' log-probabilities. A probability is the softmax over the whole vocabulary, as in training.</summary>
    internal void Predict(IReadOnlyList<ModelRow> rows, CancellationToken stop)
    {
        Run([.. rows.Where(r => r.Positions.Length > 0)], (hidden, batch) =>
        {
            Tensor logits = _model.HeadOf(At(hidden, batch)).squeeze(0);
            if (batch[0].Targets.Length == 0)
            {
                Hand(batch, logits.log_softmax(1).ToArray<float>(), _model.Config.VocabSize);
            }
            else
            {
                Hand(batch, LogP(logits, [.. batch.SelectMany(r => r.Targets).Select(t => (long)t)]), 1);
            }
        }, stop);
    }

    /// <summary>Mean of the last layer's normalised output over the positions of each row [d_model], or [2 d_model] of equivariant models.</summary>
    internal float[][] Pool(IReadOnlyList<ModelRow> rows, CancellationToken stop)
    {
        var results = new Dictionary<ModelRow, float[]>(ReferenceEqualityComparer.Instance);
        Run(rows, (hidden, batch) =>
        {
            long width = hidden.size(2);
            float[] weights = new float[batch.Count * hidden.size(1)];
            for (int b = 0; b < batch.Count; b++)
            {
                weights.AsSpan((int)(b * hidden.size(1)), batch[b].Ids.Length).Fill(1f / batch[b].Ids.Length);
            }

            Tensor w = tensor<float>(weights, [batch.Count, 1, hidden.size(1)], hidden.device);
            float[] means = w.bmm(hidden.to(float32)).ToArray<float>();
            for (int b = 0; b < batch.Count; b++)
            {
                results[batch[b]] = means[(int)(b * width)..(int)((b + 1) * width)];
            }
        }, stop);
        return [.. rows.Select(r => results[r])];
    }

    /// <summary>Natural logarithm of each target's probability.</summary>
    /// <param name="logits">[positions, vocab].</param>
    /// <param name="targets">[positions].</param>
    internal static float[] LogP(Tensor logits, long[] targets)
    {
        Tensor t = tensor<long>(targets, [targets.Length, 1], logits.device);
        return (logits.gather(1, t).squeeze(1) - logits.logsumexp(1)).ToArray<float>();
    }

    private static void Hand(List<ModelRow> batch, float[] values, int each)
    {
        int at = 0;
        foreach (ModelRow row in batch)
        {
            int count = row.Positions.Length * each;
            row.LogP = values[at..(at + count)];
            at += count;
        }
    }

    // The hidden states at the rows' positions [1, positions, width].
    private static Tensor At(Tensor hidden, List<ModelRow> batch)
    {
        long length = hidden.size(1);
        long[] index = [.. batch.SelectMany((r, b) => r.Positions.Select(p => (b * length) + p))];
        return hidden.reshape(1, -1, hidden.size(2)).index_select(1, tensor<long>(index, [index.Length], hidden.device));
    }

    private void Run(IReadOnlyList<ModelRow> rows, Action<Tensor, List<ModelRow>> use, CancellationToken stop)
    {
        using IDisposable mode = no_grad();
        var batch = new List<ModelRow>();
        // Stable: rows of one length keep their order.
        foreach (ModelRow row in rows.OrderByDescending(r => r.Ids.Length))
        {
            bool same = batch.Count == 0 || (batch[0].Targets.Length == 0) == (row.Targets.Length == 0);
            if (batch.Count > 0 && ((batch.Count + 1L) * batch[0].Ids.Length > _batchTokens || !same))
            {
                Flush();
            }

            batch.Add(row);
        }

        Flush();

        void Flush()
        {
            if (batch.Count == 0)
            {
                return;
            }

            stop.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            (Tensor ids, Tensor? sequences) = Tensors(batch);
            use(_model.ForwardHidden(ids, sequences), batch);
            batch.Clear();
        }
    }

    private (Tensor Ids, Tensor? Sequences) Tensors(List<ModelRow> batch)
    {
        int length = batch[0].Ids.Length;
        int[] ids = new int[batch.Count * length];
        Array.Fill(ids, _alphabet.PadId);
        int[]? sequences = !_model.IsCausal && batch[^1].Ids.Length < length ? new int[ids.Length] : null;
        for (int b = 0; b < batch.Count; b++)
        {
            int own = batch[b].Ids.Length;
            batch[b].Ids.CopyTo(ids, b * length);
            sequences?.AsSpan((b * length) + own, length - own).Fill(1);
        }

        long[] size = [batch.Count, length];
        return (tensor<int>(ids, size, _model.Device), sequences is null ? null : tensor<int>(sequences, size, _model.Device));
    }
}
