using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Runs what knows nothing of boundaries over rows that hold several sequences: each sequence becomes a row of its own, with zeros
/// behind it, beside others of a similar length.
/// </summary>
/// <remarks>
/// For operations in which a position sees none behind it. The boundaries are read on the host, so that a device is waited for once;
/// rows grow to at most twice their sequence's length.
/// </remarks>
internal static class PackedRows
{
    /// <summary>Runs it.</summary>
    /// <param name="x">[batch, length, channels].</param>
    /// <param name="ids">int [batch, length]: where the id changes, another sequence begins.</param>
    /// <param name="body">[rows, positions, channels] to [rows, positions, other channels].</param>
    /// <returns>[batch, length, other channels].</returns>
    internal static Tensor Run(Tensor x, Tensor ids, Func<Tensor, Tensor> body)
    {
        (long batch, long length) = (x.size(0), x.size(1));
        Tensor rows = x.reshape(batch * length, -1);
        var results = new List<Tensor>();
        long[] place = new long[batch * length];
        long done = 0;
        foreach (IGrouping<int, (long First, long Count)> group in Sequences(ids).GroupBy(s => (int)Math.Ceiling(Math.Log2(s.Count))).OrderBy(g => g.Key))
        {
            (long First, long Count)[] own = [.. group];
            long width = own.Max(s => s.Count);
            long[] from = new long[own.Length * width];
            float[] keep = new float[from.Length];
            for (int r = 0; r < own.Length; r++)
            {
                (long first, long count) = own[r];
                for (long t = 0; t < width; t++)
                {
                    // Behind its end a sequence comes again, times zero: gradients of one row of zeros would all meet there.
                    from[(r * width) + t] = first + (t % count);
                    keep[(r * width) + t] = t < count ? 1 : 0;
                }

                for (long t = 0; t < count; t++)
                {
                    place[first + t] = done + (r * width) + t;
                }
            }

            Tensor taken = rows.index_select(0, tensor(from, [from.Length], x.device));
            if (own.Any(s => s.Count < width))
            {
                taken = taken * tensor(keep, [keep.Length, 1], x.device).to(x.dtype);
            }

            Tensor y = body(taken.reshape(own.Length, width, x.size(2)));
            results.Add(y.reshape(from.Length, -1));
            done += from.Length;
        }

        return cat([.. results]).index_select(0, tensor(place, [place.Length], x.device)).reshape(batch, length, -1);
    }

    // First position, counted over all rows, and length of each sequence.
    private static List<(long First, long Count)> Sequences(Tensor ids)
    {
        (long batch, long length) = (ids.size(0), ids.size(1));
        int[] host = ids.cpu().to(int32).contiguous().ToArray<int>();
        var found = new List<(long, long)>();
        for (long row = 0; row < batch; row++)
        {
            long first = row * length;
            for (long at = first + 1; at <= (row + 1) * length; at++)
            {
                if (at == (row + 1) * length || host[at] != host[at - 1])
                {
                    found.Add((first, at - first));
                    first = at;
                }
            }
        }

        return found;
    }
}
