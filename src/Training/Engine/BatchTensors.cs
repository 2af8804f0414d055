using GenoSeq.Data;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Engine;

/// <summary>Rows of a batch as tensors.</summary>
/// <param name="Inputs">int32 [batch, length].</param>
/// <param name="Labels">int32 [batch, length], negative where nothing counts.</param>
/// <param name="Weights">f32 [batch, length], or null.</param>
internal sealed record BatchTensors(Tensor Inputs, Tensor Labels, Tensor? Weights)
{
    internal static BatchTensors Of(Batch batch, int first, int count, Device device)
    {
        int length = batch.Length;
        long[] shape = [count, length];
        return new BatchTensors(
            tensor<int>(batch.Inputs.AsSpan(first * length, count * length), shape, device),
            tensor<int>(batch.Labels.AsSpan(first * length, count * length), shape, device),
            batch.Weights is null ? null : tensor<float>(batch.Weights.AsSpan(first * length, count * length), shape, device));
    }

    /// <summary>Sum of the weights of a batch's targets: what the loss is divided by.</summary>
    internal static double WeightOf(Batch batch)
    {
        if (batch.Weights is null)
        {
            return batch.TotalTargets;
        }

        double sum = 0;
        foreach (float w in batch.Weights.AsSpan(0, batch.Count * batch.Length))
        {
            sum += w;
        }

        return sum;
    }
}
