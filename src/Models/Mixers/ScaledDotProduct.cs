using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>Which keys a query sees.</summary>
/// <param name="Causal">Only positions up to its own.</param>
/// <param name="Window">Only positions less than this many away; 0: all.</param>
internal readonly record struct AttentionPattern(bool Causal, int Window)
{
    /// <summary>Of so many positions up to and with one, those that it sees.</summary>
    internal long Held(long positions) => Window > 0 ? Math.Min(Window, positions) : positions;

    /// <summary>Positions that one of a sequence sees on average.</summary>
    internal double Seen(long length)
    {
        // Of position t on the left min(t + 1, w): t + 1 over the first w of them.
        double w = Held(length), left = (w * (w + 1) / 2) + (w * (length - w));
        return (Causal ? left : (2 * left) - length) / length;
    }
}

/// <summary>
/// softmax(q k^T / sqrt(d_head)) v. libtorch's fused kernel where it has one and the pattern allows; else block of queries by
/// block of queries against only the keys they can see, and for long inputs each block is computed again in the backward
/// pass, so that memory grows with length times block and not with the square of the length.
/// </summary>
internal static class ScaledDotProduct
{
    private const long QueryBlock = 512;
    private const long RecomputeScores = 1L << 24;

    /// <param name="q">[batch, n_head, queries, d_head].</param>
    /// <param name="k">[batch, n_head, keys, d_head].</param>
    /// <param name="v">[batch, n_head, keys, d_head].</param>
    /// <param name="pattern">Who sees whom.</param>
    /// <param name="sequenceIds">int32 [batch, length]: positions of different sequences do not see each other; or null.</param>
    internal static Tensor Run(Tensor q, Tensor k, Tensor v, AttentionPattern pattern, Tensor? sequenceIds)
    {
        long length = q.size(2);
        if (nn.functional.has_scaled_dot_product_attention && pattern.Window == 0 && sequenceIds is null)
        {
            return nn.functional.scaled_dot_product_attention(q, k, v, is_causal: pattern.Causal);
        }

        if (length <= QueryBlock)
        {
            return Block(q, k, v, 0, 0, pattern, sequenceIds);
        }

        bool recompute = q.size(0) * q.size(1) * length * k.size(2) > RecomputeScores;
        var blocks = new List<Tensor>();
        for (long first = 0; first < length; first += QueryBlock)
        {
            long count = Math.Min(QueryBlock, length - first);
            long from = pattern.Window > 0 ? Math.Max(0, first - pattern.Window + 1) : 0;
            long to = pattern.Causal ? first + count
                : pattern.Window > 0 ? Math.Min(length, first + count + pattern.Window - 1) : length;
            (long f, long start) = (first, from);
            Tensor qb = q.narrow(2, first, count);
            Tensor kb = k.narrow(2, from, to - from);
            Tensor vb = v.narrow(2, from, to - from);
            blocks.Add(recompute
                ? utils.checkpoint.run(t => [Block(t[0]!, t[1]!, t[2]!, f, start, pattern, t[3])], qb, kb, vb, sequenceIds)[0]
                : Block(qb, kb, vb, first, from, pattern, sequenceIds));
        }

        return cat([.. blocks], 2);
    }

    /// <summary>The last <c>queries</c> positions of a sequence against all of it that they can see; no gradients.</summary>
    /// <param name="q">[batch, n_head, queries, d_head].</param>
    /// <param name="k">[batch, n_head, keys, d_head]; the last key is that of the last query's position.</param>
    /// <param name="v">As k.</param>
    /// <param name="firstQuery">Position of the first query.</param>
    /// <param name="pattern">Causal.</param>
    internal static Tensor Extend(Tensor q, Tensor k, Tensor v, long firstQuery, AttentionPattern pattern)
    {
        long queries = q.size(2);
        long firstKey = firstQuery + queries - k.size(2);
        var blocks = new List<Tensor>();
        for (long done = 0; done < queries; done += QueryBlock)
        {
            long count = Math.Min(QueryBlock, queries - done);
            long first = firstQuery + done;
            long from = Math.Max(firstKey, pattern.Window > 0 ? first - pattern.Window + 1 : 0);
            long keys = first + count - from;
            // The scores of one block are gone before the next: with 131,072 keys they have gigabytes.
            using DisposeScope scope = NewDisposeScope();
            blocks.Add(Block(q.narrow(2, done, count), k.narrow(2, from - firstKey, keys), v.narrow(2, from - firstKey, keys), first, from, pattern, null)
                .MoveToOuterDisposeScope());
        }

        return cat([.. blocks], 2);
    }

    private static Tensor Block(Tensor q, Tensor k, Tensor v, long firstQuery, long firstKey, AttentionPattern pattern,
        Tensor? sequenceIds)
    {
        Tensor scores = q.matmul(k.transpose(2, 3)).mul(1 / Math.Sqrt(q.size(3)));
        if (Hidden(q.size(2), k.size(2), firstQuery, firstKey, pattern, sequenceIds, q.device) is { } hidden)
        {
            scores = scores.masked_fill(hidden, double.NegativeInfinity);
        }

        return scores.softmax(-1).matmul(v);
    }

    private static Tensor? Hidden(long queries, long keys, long firstQuery, long firstKey, AttentionPattern pattern,
        Tensor? sequenceIds, Device device)
    {
        Tensor? hidden = null;
        if (pattern.Causal || pattern.Window > 0)
        {
            Tensor i = arange(firstQuery, firstQuery + queries, 1, int64, device).unsqueeze(1);
            Tensor ahead = arange(firstKey, firstKey + keys, 1, int64, device).unsqueeze(0) - i;
            hidden = pattern.Causal ? ahead.gt(0) : null;
            if (pattern.Window > 0)
            {
                Tensor far = ahead.abs().ge(pattern.Window);
                hidden = hidden is null ? far : hidden.logical_or(far);
            }
        }

        if (sequenceIds is not null)
        {
            Tensor own = sequenceIds.narrow(1, firstQuery, queries).unsqueeze(2);
            Tensor other = sequenceIds.narrow(1, firstKey, keys).unsqueeze(1);
            Tensor foreign = own.ne(other).unsqueeze(1);
            hidden = hidden is null ? foreign : hidden.logical_or(foreign);
        }

        return hidden;
    }
}
