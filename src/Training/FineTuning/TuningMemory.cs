using GenoSeq.Models.Memory;
using GenoSeq.Torch;
using GenoSeq.Training.Engine;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>What a model's layers keep between their passes, by the memory that is there.</summary>
internal static class TuningMemory
{
    // Of the free memory; the rest is fragments, and what other programs take meanwhile.
    private const double Share = 0.94;

    /// <summary>Chooses for passes of a shape; does nothing where there is no GPU.</summary>
    /// <param name="model">On its device.</param>
    /// <param name="batch">Rows of a pass.</param>
    /// <param name="length">Positions of the longest row.</param>
    internal static void Plan(TaskModel model, int batch, int length)
    {
        Device device = model.Model.Device;
        if (device.Type != DeviceType.CUDA)
        {
            return;
        }

        var shape = new PassShape(batch, length, model.Model.ComputeType == bfloat16 ? 2 : 4);
        model.Model.SetMemory(TrainingMemory.Choose(model.Model.Config, model.Model.NumParameters, shape, (long)(Share * MemoryPlanning.Here(device))));
    }
}
