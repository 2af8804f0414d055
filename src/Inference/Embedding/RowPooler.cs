using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Embedding;

/// <summary>Pools whole rows of a batch, without what stands behind each row's sequence.</summary>
internal static class RowPooler
{
    /// <summary>Pools.</summary>
    /// <param name="states">[batch, length, width], any type and device.</param>
    /// <param name="lengths">Positions of each row's sequence.</param>
    /// <param name="pooling">Mean, max or last.</param>
    /// <param name="lastIsFirst">The states are mirror images: the last position that was read comes first.</param>
    /// <returns>f32 [batch, width] on the states' device.</returns>
    internal static Tensor Pool(Tensor states, long[] lengths, StatePooling pooling, bool lastIsFirst)
    {
        using DisposeScope scope = NewDisposeScope();
        long length = states.size(1);
        Device device = states.device;
        bool padded = Array.Exists(lengths, l => l != length);
        Tensor? mask = padded && pooling != StatePooling.Last
            ? Column(lengths, device).gt(arange(0, length, device: device).unsqueeze(0)).unsqueeze(2)
            : null;
        Tensor result = pooling switch
        {
            StatePooling.Mean => (mask is null ? states : states * mask.to(states.dtype)).sum([1], false, float32) / Column(lengths, device).to(float32),
            StatePooling.Max => (mask is null ? states : states.masked_fill(mask.logical_not(), double.NegativeInfinity)).amax(1),
            _ => states.reshape(-1, states.size(2)).index_select(0,
                tensor<long>([.. lengths.Select((l, i) => (i * length) + (lastIsFirst ? 0 : l - 1))], [lengths.Length], device)),
        };
        return result.to(float32).alias().MoveToOuterDisposeScope();
    }

    private static Tensor Column(long[] lengths, Device device) => tensor<long>(lengths, [lengths.Length, 1], device);
}
