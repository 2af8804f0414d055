using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;

namespace GenoSeq.Models.Stepping;

/// <summary>What a step is made of, on the memory of one device. A row's numbers do not depend on the other rows.</summary>
internal abstract class StepKernels
{
    /// <summary>Those that take a tensor's memory.</summary>
    internal static StepKernels Of(torch.Tensor t) => KernelDevices.Of(t) is { } device ? new DeviceStepKernels(device) : new HostStepKernels();

    /// <summary>Rows of the embedding; every row's position goes on by one.</summary>
    internal abstract void Embed(in StepEmbed a);

    /// <summary>A product of what is given, of its norm with the residual added, or of its gate.</summary>
    internal abstract void Linear(in StepLinear a);

    /// <summary>Mamba between its projections.</summary>
    internal abstract void Mamba(in StepMamba a);

    /// <summary>Attention of a query over a cache, which its key and value join.</summary>
    internal abstract void Attend(in StepAttend a);

    /// <summary>Choice of the next ids.</summary>
    internal abstract void Sample(in StepSample a);
}

/// <summary>The kernels of step.cu.</summary>
internal sealed class DeviceStepKernels(KernelDevice device) : StepKernels
{
    private const int Rows = 4; // GS_STEP_ROWS
    private const int WidestHead = 256; // GS_STEP_HEAD

    private static readonly KernelProgram s_program = new(["common.cu", "step.cu"], "GS_F32_IO=1");

    internal override void Embed(in StepEmbed a) => device.Launch(device.Function(s_program, "gs_step_embed", 128), (a.Rows, 1, 1), a);

    internal override void Linear(in StepLinear a) => device.Launch(
        device.Function(s_program, "gs_step_linear", 256, Rows * a.Inputs * sizeof(float)),
        (KernelTensors.Ceiling(a.Outputs, 8), KernelTensors.Ceiling(a.Rows, Rows), 1), a);

    internal override void Mamba(in StepMamba a) => device.Launch(
        device.Function(s_program, "gs_step_mamba", 512, (a.Channels + a.Rank + (2 * a.States)) * sizeof(float)), (a.Rows, 1, 1), a);

    internal override void Attend(in StepAttend a)
    {
        if (a.Head > WidestHead)
        {
            throw new NotSupportedException($"heads of {a.Head} numbers; generation on a GPU takes at most {WidestHead}");
        }

        device.Launch(device.Function(s_program, "gs_step_attend", 128), (a.Splits, a.Heads, a.Rows), a);
        device.Launch(device.Function(s_program, "gs_step_combine", 128), (a.Heads, a.Rows, 1), a);
    }

    internal override void Sample(in StepSample a) => device.Launch(device.Function(s_program, "gs_step_sample", 512), (a.Rows, 1, 1), a);
}
