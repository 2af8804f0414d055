using System.Runtime.CompilerServices;
using GenoSeq.Data;
using GenoSeq.Models.Context;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Engine;

/// <summary>Rows of a batch as tensors.</summary>
/// <param name="Inputs">int32 [batch, length].</param>
/// <param name="Labels">int32 [batch, length], negative where nothing counts.</param>
/// <param name="Weights">f32 [batch, length], or null.</param>
/// <param name="SequenceIds">int32 [batch, length] that changes where another segment of a pack begins, or null.</param>
internal sealed record BatchTensors(Tensor Inputs, Tensor Labels, Tensor? Weights, Tensor? SequenceIds)
{
    private static readonly Operator s_toDevice = new("aten::to", "device");

    /// <summary>Copies rows to the device.</summary>
    /// <remarks>
    /// To a GPU the copies do not wait (from locked pages they run beside the program), so the batch must stay as it is until
    /// the step's loss is read: the training loop and the evaluator read it before they touch the batch again.
    /// </remarks>
    /// <param name="batch">The batch.</param>
    /// <param name="first">First row.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="device">Where to.</param>
    /// <param name="context">Ranks among which positions are divided: then this rank's part of each row; null: whole rows.</param>
    internal static BatchTensors Of(Batch batch, int first, int count, Device device, ContextParallel? context = null)
    {
        return new BatchTensors(
            Part(Rows(batch.Inputs, int32, batch, first, count, device))!,
            Part(Rows(batch.Labels, int32, batch, first, count, device))!,
            Part(Rows(batch.Weights, float32, batch, first, count, device)),
            Part(Rows(batch.SequenceIds, int32, batch, first, count, device)));

        Tensor? Part(Tensor? rows) => rows is not null && context?.Part(batch.Length) is var (from, length)
            ? rows.narrow(1, from, length).contiguous()
            : rows;
    }

    private static Tensor? Rows<T>(T[]? values, ScalarType type, Batch batch, int first, int count, Device device)
        where T : unmanaged
    {
        if (values is null)
        {
            return null;
        }

        int length = batch.Length;
        long[] shape = [count, length];
        if (device.Type == DeviceType.CPU)
        {
            return tensor<T>(values.AsSpan(first * length, count * length), shape, device);
        }

        nint address = PinnedPages.AddressOf(values) + ((nint)first * length * Unsafe.SizeOf<T>());
        using Tensor here = from_blob(address, shape, type, values);
        return s_toDevice.Call(here, device, type, true);
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
