using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Engines;

/// <summary>
/// Engine E6: weights of an MLP of two layers for each batch entry and head, that learn while they read (<see cref="Recurrent.TitansMlp"/>).
/// </summary>
/// <param name="In">W_1 [batch, heads, n, hidden].</param>
/// <param name="InMomentum">Its momentum.</param>
/// <param name="Out">W_2 [batch, heads, hidden, p].</param>
/// <param name="OutMomentum">Its momentum.</param>
internal sealed record DeepMemory(Tensor In, Tensor InMomentum, Tensor Out, Tensor OutMomentum)
{
    /// <summary>
    /// What it costs, for heads whose memory has h hidden numbers: both layers forth and the second one back for the error, of each layer a product
    /// with weights and with momentum, scores within the chunk and their product, and both updates; the weights' own operations a chunk.
    /// </summary>
    internal static MixerWork Work(long heads, long n, long h, long p, long chunk)
    {
        double Flops(long c) => heads * ((10.0 * n * h) + (12.0 * h * p) + (2.0 * c * (n + (2 * h) + p)) + Momentum.Flops(c) + (6.0 * h * (n + p) / c));
        return new MixerWork(length => Flops(Math.Min(chunk, length)), _ => Flops(1));
    }

    /// <summary>Reads positions that take their gradients at the same weights.</summary>
    /// <param name="x">q, k [batch, length, heads, n], v [batch, length, heads, p], log keep, log momentum, rate [batch, length, heads].</param>
    /// <param name="atIn">W_1 of the gradients.</param>
    /// <param name="atOut">W_2 of the gradients.</param>
    /// <returns>y [batch, length, heads, p], and the weights behind the last position.</returns>
    private (Tensor Y, DeepMemory After) Read(Tensor[] x, Tensor atIn, Tensor atOut)
    {
        (Tensor q, Tensor k, Tensor v) = (x[0].transpose(1, 2), x[1].transpose(1, 2), x[2].transpose(1, 2));
        var c = Momentum.Of(x[3].transpose(1, 2), x[4].transpose(1, 2), null);
        Tensor rate = x[5].transpose(1, 2).unsqueeze(-1);

        // The two layers' gradients are k d1^T and a d2^T, times the rate.
        Tensor z = k.matmul(atIn);
        Tensor s = z.sigmoid();
        Tensor a = z * s;
        Tensor error = a.matmul(atOut) - v;
        Tensor d1 = Shortened(k, error.matmul(atOut.transpose(-1, -2)) * (s * (1 + (z * (1 - s))))) * rate;
        Tensor d2 = Shortened(a, error) * rate;

        Tensor hidden = nn.functional.silu(Layer(q, k, d1, c, In, InMomentum));
        Tensor y = Layer(hidden, a, d2, c, Out, OutMomentum);
        return (y.transpose(1, 2), new DeepMemory(
            After(c, k, d1, In, InMomentum), NextMomentum(c, k, d1, InMomentum), After(c, a, d2, Out, OutMomentum), NextMomentum(c, a, d2, OutMomentum)));
    }

    // d such that the product of x and d, a position's gradient, is no longer than 1.
    private static Tensor Shortened(Tensor x, Tensor d) =>
        d * (x.square().sum([-1], true) * d.square().sum([-1], true)).clamp(min: 1).rsqrt();

    // What the weights of every position make of its own row of x.
    private static Tensor Layer(Tensor x, Tensor keys, Tensor gradients, Momentum c, Tensor weights, Tensor momentum) =>
        (x * c.M.narrow(-1, 0, 1)).matmul(weights) + (x * c.M.narrow(-1, 1, 1)).matmul(momentum)
        - (x.matmul(keys.transpose(-1, -2)) * c.D).matmul(gradients);

    private static Tensor After(Momentum c, Tensor keys, Tensor gradients, Tensor weights, Tensor momentum)
    {
        long last = c.D.size(-1) - 1;
        Tensor m = c.M.narrow(-2, last, 1);
        Tensor row = c.D.narrow(-2, last, 1).transpose(-1, -2);
        return (weights * m.narrow(-1, 0, 1)) + (momentum * m.narrow(-1, 1, 1)) - (keys * row).transpose(-1, -2).matmul(gradients);
    }

    private static Tensor NextMomentum(Momentum c, Tensor keys, Tensor gradients, Tensor momentum) =>
        (momentum * c.E) - (keys * c.Last.transpose(-1, -2)).transpose(-1, -2).matmul(gradients);

    private Tensor Packed() => cat([In.flatten(2), InMomentum.flatten(2), Out.flatten(2), OutMomentum.flatten(2)], 2);

    // The same shapes from one tensor [batch, heads, numbers].
    private DeepMemory Unpacked(Tensor all)
    {
        long first = In.size(2) * In.size(3), second = Out.size(2) * Out.size(3);
        Tensor[] parts = all.split([first, first, second, second], 2);
        return new DeepMemory(parts[0].reshape(In.shape), parts[1].reshape(In.shape), parts[2].reshape(Out.shape), parts[3].reshape(Out.shape));
    }

    /// <summary>What is carried from one position to the next.</summary>
    /// <param name="AtIn">W_1 at the start of the chunk.</param>
    /// <param name="AtOut">W_2 at the start of the chunk.</param>
    /// <param name="Weights">The weights now.</param>
    /// <param name="Count">Positions of the chunk so far [batch]; a whole chunk's: the next begins another.</param>
    internal sealed record Carry(Tensor AtIn, Tensor AtOut, DeepMemory Weights, Tensor Count)
    {
        /// <summary>Goes on position by position; nothing waits for the device.</summary>
        /// <param name="x">As <see cref="Read"/> takes them.</param>
        /// <param name="chunk">Positions of a chunk.</param>
        /// <param name="ids">int [batch, length]: where it changes, the memory is fresh; or null.</param>
        /// <param name="fresh">The memory before the first position.</param>
        internal (Tensor Y, Carry After) Singly(Tensor[] x, int chunk, Tensor? ids, DeepMemory fresh)
        {
            Carry now = this;
            var y = new Tensor[x[0].size(1)];
            for (long t = 0; t < y.Length; t++)
            {
                Tensor begins = now.Count.ge(chunk);
                DeepMemory weights = now.Weights;
                if (ids is not null && t > 0)
                {
                    Tensor other = ids.select(1, t).ne(ids.select(1, t - 1));
                    begins = begins.logical_or(other);
                    Tensor w = Wide(other);
                    weights = new DeepMemory(where(w, fresh.In, weights.In), where(w, fresh.InMomentum, weights.InMomentum),
                        where(w, fresh.Out, weights.Out), where(w, fresh.OutMomentum, weights.OutMomentum));
                }

                (Tensor atIn, Tensor atOut) = (where(Wide(begins), weights.In, now.AtIn), where(Wide(begins), weights.Out, now.AtOut));
                (y[t], DeepMemory after) = weights.Read(Cut(x, t, 1), atIn, atOut);
                now = new Carry(atIn, atOut, after, now.Count.masked_fill(begins, 0) + 1);
            }

            return (y.Length == 1 ? y[0] : cat(y, 1), now);
        }

        /// <summary>Goes on chunk by chunk.</summary>
        /// <param name="x">As <see cref="Read"/> takes them.</param>
        /// <param name="chunk">Positions of a chunk.</param>
        /// <param name="first">Nothing was read before; else the host asks the device where in a chunk the rows are.</param>
        /// <exception cref="InvalidOperationException">The rows are at different positions of a chunk.</exception>
        internal (Tensor Y, Carry After) InChunks(Tensor[] x, int chunk, bool first)
        {
            long length = x[0].size(1), count = first ? 0 : Position();
            long done = count == 0 || count >= chunk ? 0 : Math.Min(chunk - count, length);
            var y = new List<Tensor>();
            Carry now = this;
            if (done > 0)
            {
                (Tensor head, DeepMemory after) = Weights.Read(Cut(x, 0, done), AtIn, AtOut);
                y.Add(head);
                now = this with { Weights = after, Count = Count + done };
            }

            long whole = (length - done) / chunk * chunk;
            if (whole > 0)
            {
                long elements = 4 * (Weights.In.numel() + Weights.Out.numel()) / chunk;
                (Tensor middle, Tensor last) = SegmentedRecurrence.Run((t, s, _, _) => Stretch(t, now.Weights.Unpacked(s), chunk), Cut(x, done, whole),
                    now.Weights.Packed(), null, SegmentedRecurrence.Positions(elements, chunk));
                y.Add(middle);
                DeepMemory weights = now.Weights.Unpacked(last);
                now = new Carry(weights.In, weights.Out, weights, zeros_like(Count));
                done += whole;
            }

            if (done < length)
            {
                DeepMemory start = now.Weights;
                (Tensor tail, DeepMemory after) = start.Read(Cut(x, done, length - done), start.In, start.Out);
                y.Add(tail);
                now = new Carry(start.In, start.Out, after, zeros_like(Count) + (length - done));
            }

            return (y.Count == 1 ? y[0] : cat([.. y], 1), now);
        }

        private long Position()
        {
            long least = (long)Count.min().item(), most = (long)Count.max().item();
            return least == most ? least : throw new InvalidOperationException(
                $"rows are {least} to {most} positions into a chunk of the memory; stretches go on only where all rows are at the same position");
        }

        private static (Tensor Y, Tensor State) Stretch(Tensor[] x, DeepMemory memory, int chunk)
        {
            var y = new List<Tensor>();
            for (long at = 0; at < x[0].size(1); at += chunk)
            {
                (Tensor own, memory) = memory.Read(Cut(x, at, chunk), memory.In, memory.Out);
                y.Add(own);
            }

            return (y.Count == 1 ? y[0] : cat([.. y], 1), memory.Packed());
        }

        private static Tensor[] Cut(Tensor[] x, long at, long count) => Array.ConvertAll(x, t => t.narrow(1, at, count));

        private static Tensor Wide(Tensor rows) => rows.reshape(-1, 1, 1, 1);
    }
}
