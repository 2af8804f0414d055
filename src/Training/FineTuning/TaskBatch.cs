using GenoSeq.Torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>What one forward and backward pass takes, on the model's device.</summary>
/// <param name="Rows">The sequences.</param>
/// <param name="Targets">What outputs are compared with, from <see cref="LabelledTask.Of"/>; null where rows are read without their labels.</param>
/// <param name="Shares">f32 [batch] or [batch, length]: shares of the step's loss.</param>
internal sealed record TaskBatch(RowTensors Rows, torch.Tensor? Targets = null, torch.Tensor? Shares = null)
{
    /// <summary>What a captured pass depends on: rows, length, and whether there is padding.</summary>
    internal (long Count, long Length, bool Padded) Shape => (Rows.Ids.size(0), Rows.Ids.size(1), Rows.Mask is not null);

    /// <summary>All tensors, in a fixed order.</summary>
    internal IEnumerable<torch.Tensor> Tensors() =>
        new[] { Rows.Ids, Rows.SequenceIds, Rows.Mask, Rows.Targets, Rows.TargetShares, Targets, Shares }.Where(t => t is not null).Select(t => t!);

    /// <summary>A copy that outlives dispose scopes.</summary>
    internal TaskBatch Keep()
    {
        return new TaskBatch(new RowTensors(Kept(Rows.Ids)!, Kept(Rows.SequenceIds), Kept(Rows.Mask), Kept(Rows.Targets), Kept(Rows.TargetShares)), Kept(Targets), Kept(Shares));

        static torch.Tensor? Kept(torch.Tensor? t) => t?.clone().DetachFromDisposeScope();
    }
}
