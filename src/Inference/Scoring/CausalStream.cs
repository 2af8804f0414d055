using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Scoring;

/// <summary>A causal model over a sequence of any length: piece by piece, the state of all layers carried from one to the next.</summary>
internal sealed class CausalStream(SequenceModel model, Alphabet alphabet, LikelihoodOptions options)
{
    internal void Run(ScoreItem sequence, Action<long, ReadOnlySpan<float>> use, CancellationToken stop)
    {
        if (options.Strand == StrandUse.Forward)
        {
            Strand(sequence, false, use, stop);
            return;
        }

        // The other strand ends where this one begins: its values wait for their turn.
        using var other = new ValueStore(sequence.Length);
        Strand(sequence, true, other.Write, stop);
        float[] buffer = new float[options.Window];
        if (options.Strand == StrandUse.Rc)
        {
            for (long start = 0; start < sequence.Length; start += buffer.Length)
            {
                Span<float> values = buffer.AsSpan(0, (int)Math.Min(buffer.Length, sequence.Length - start));
                other.Read(start, values);
                use(start, values);
            }

            return;
        }

        Strand(sequence, false, (start, values) =>
        {
            Span<float> both = buffer.AsSpan(0, values.Length);
            other.Read(start, both);
            for (int i = 0; i < both.Length; i++)
            {
                both[i] = LikelihoodScorer.Joined(values[i], both[i]);
            }

            use(start, both);
        }, stop);
    }

    // Values of one strand at the places of the forward one; of the reverse strand from the last piece to the first.
    private void Strand(ScoreItem sequence, bool reverse, Action<long, ReadOnlySpan<float>> use, CancellationToken stop)
    {
        using IDisposable mode = no_grad();
        using ModelState state = model.initial_state(1);
        long length = sequence.Length;
        byte[] bases = new byte[options.Window + 1];
        int[] ids = new int[bases.Length];
        float[] values = new float[options.Window];
        for (long done = 0; done < length; done += options.Window)
        {
            stop.ThrowIfCancellationRequested();
            // The base behind a piece is predicted by its last position; and the first base of all by none.
            int count = (int)Math.Min(options.Window, length - done);
            int read = (int)Math.Min(count + 1, length - done);
            Read(sequence, done, bases.AsSpan(0, read), reverse);
            alphabet.Encode(bases.AsSpan(0, read), ids);
            float[] logP = Extend(ids.AsSpan(0, read), count, state);
            int known = read - 1;
            if (done == 0)
            {
                Hand([float.NaN], 0);
            }

            for (int i = 0; i < known; i++)
            {
                values[i] = alphabet.IsTarget(ids[i + 1]) ? logP[i] : float.NaN;
            }

            if (known > 0)
            {
                Hand(values.AsSpan(0, known), done + 1);
            }
        }

        void Hand(Span<float> piece, long start)
        {
            if (reverse)
            {
                piece.Reverse();
                start = length - start - piece.Length;
            }

            use(start, piece);
        }
    }

    private float[] Extend(ReadOnlySpan<int> ids, int count, ModelState state)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = model.ExtendHidden(tensor<int>(ids[..count], [1, count], model.Device), state);
        int known = ids.Length - 1;
        if (known == 0)
        {
            return [];
        }

        long[] targets = new long[known];
        for (int i = 0; i < known; i++)
        {
            targets[i] = ids[i + 1];
        }

        return RowRunner.LogP(model.HeadOf(hidden.narrow(1, 0, known)).squeeze(0), targets);
    }

    private static void Read(ScoreItem sequence, long start, Span<byte> bases, bool reverse)
    {
        sequence.Read(reverse ? sequence.Length - start - bases.Length : start, bases);
        if (reverse)
        {
            DnaComplement.ReverseComplementInPlace(bases);
        }
    }
}
