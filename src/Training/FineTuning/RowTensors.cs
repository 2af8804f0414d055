using GenoSeq.Data;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>Sequences of several lengths as one batch in which padding touches no result.</summary>
/// <remarks>
/// Padding stands behind each sequence and is another sequence to the model: states are reset, convolution and attention end
/// at the boundary, in both reading directions and on both strands. So a row's states are those that it has alone.
/// </remarks>
/// <param name="Ids">int32 [batch, length].</param>
/// <param name="SequenceIds">int32 [batch, length]: 0 for the sequence, 1 for padding; null where no row has any.</param>
/// <param name="Mask">f32 [batch, length]: 1 for the sequence, 0 for padding; null where no row has any.</param>
/// <param name="Targets">int32 [batch, length]: bases that the model's output projection is to predict, negative elsewhere; null where it predicts none.</param>
/// <param name="TargetShares">f32 [batch, length]: their shares of the step's loss.</param>
internal sealed record RowTensors(Tensor Ids, Tensor? SequenceIds, Tensor? Mask, Tensor? Targets = null, Tensor? TargetShares = null)
{
    /// <summary>Encodes examples.</summary>
    /// <param name="set">Where they are from.</param>
    /// <param name="examples">Which.</param>
    /// <param name="reverse">For each, whether its reverse complement is read.</param>
    /// <param name="alphabet">Ids of bases.</param>
    /// <param name="padTo">
    /// 0: rows are padded to the longest, out of sight; else all rows are padded on the left to this length, in sight of the
    /// model (parity with published tables).
    /// </param>
    /// <param name="device">Where to; copies to a GPU are not waited for.</param>
    /// <param name="bucket">
    /// Lengths of batches are multiples of this, so that few shapes occur; 0: as long as the longest row. Has no meaning with
    /// <paramref name="padTo"/>.
    /// </param>
    /// <param name="masks">Hides bases; null: none.</param>
    /// <param name="share">Share of each base that is to be predicted in the step's loss; 0: none is.</param>
    internal static RowTensors Of(LabelledSet set, ReadOnlySpan<Example> examples, ReadOnlySpan<bool> reverse, Alphabet alphabet, int padTo, Device device,
        int bucket = 0, RowMasks? masks = null, double share = 0)
    {
        int length = padTo;
        // Batches of one bucket look alike, also those without any padding.
        bool padded = padTo == 0 && bucket > 0;
        foreach (Example e in examples)
        {
            padded |= padTo == 0 && length > 0 && e.Length != length;
            length = Math.Max(length, e.Length);
        }

        length = padTo == 0 && bucket > 0 ? (length + bucket - 1) / bucket * bucket : length;
        var ids = new int[examples.Length * length];
        Array.Fill(ids, alphabet.PadId);
        var sequences = new int[padded ? ids.Length : 0];
        var mask = new float[padded ? ids.Length : 0];
        var targets = new int[share > 0 ? ids.Length : 0];
        Array.Fill(targets, Labels.Ignored);
        byte[] bases = new byte[length];
        for (int i = 0; i < examples.Length; i++)
        {
            Example e = examples[i];
            Span<byte> text = bases.AsSpan(0, e.Length);
            set.GetSequence(e.Row).Slice(e.Start, e.Length).CopyTo(text);
            if (reverse[i])
            {
                DnaComplement.ReverseComplementInPlace(text);
            }

            int first = (i * length) + (padTo > 0 ? length - e.Length : 0);
            Span<int> own = ids.AsSpan(first, e.Length);
            alphabet.Encode(text, own);
            masks?.Over(own, share > 0 ? targets.AsSpan(first, e.Length) : default, alphabet);
            if (padded)
            {
                sequences.AsSpan((i * length) + e.Length, length - e.Length).Fill(1);
                mask.AsSpan(i * length, e.Length).Fill(1);
            }
        }

        long[] size = [examples.Length, length];
        return new RowTensors(
            tensor_async<int>(ids, size, device),
            padded ? tensor_async<int>(sequences, size, device) : null,
            padded ? tensor_async<float>(mask, size, device) : null,
            share > 0 ? tensor_async<int>(targets, size, device) : null,
            share > 0 ? full(size, (float)share, float32, device) : null);
    }
}
