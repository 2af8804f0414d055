using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Stepping;

/// <summary>
/// A layer of any other recurrent mixer: between its products one position of its recurrence by libtorch's operators. Nothing depends on how many
/// positions came before, nothing waits for the device, and the state stays where it is, so that a CUDA graph can repeat it.
/// </summary>
internal sealed class RecurrentStep : LayerStep
{
    private readonly Recurrence _recurrence;
    private readonly RecurrentState _state;
    private readonly RecurrentState _first;
    private readonly int _width;

    internal RecurrentStep(Block block, RecurrentMixer mixer, int rows) : base(block)
    {
        _recurrence = mixer.Fwd;
        In = mixer.InProj is null ? (null, null) : (Weight(mixer.InProj.weight), mixer.InProj.bias is null ? null : Weight(mixer.InProj.bias));
        Out = (Weight(mixer.OutProj.weight), mixer.OutProj.bias is null ? null : Weight(mixer.OutProj.bias));
        _width = (int)(In.Weight?.size(0) ?? Out.Weight.size(0));
        _state = _recurrence.initial_state(rows, float32, Out.Weight.device);
        _first = _recurrence.initial_state(1, float32, Out.Weight.device);
    }

    internal override (Tensor? Weight, Tensor? Bias) In { get; }

    internal override (Tensor Weight, Tensor? Bias) Out { get; }

    internal override long StateBytes => _state.Bytes;

    internal override void Mix(StepKernels kernels, Tensor from, Tensor to, Tensor positions, int rows)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor y = _recurrence.forward(Rows(from, rows, _width).unsqueeze(1), _state, null);
        Rows(to, rows, _recurrence.OutputWidth).copy_(y.squeeze(1));
    }

    internal override void Load(int row, MixerState state, int stateRow) => _state.CopyEntry(row, (RecurrentState)state, stateRow);

    internal override void Clear(int row) => _state.CopyEntry(row, _first, 0);

    private protected override void DisposeState()
    {
        _state.Dispose();
        _first.Dispose();
    }

    // Products write rows without gaps at the start of a buffer that has room for the widest.
    private static Tensor Rows(Tensor buffer, int rows, int width) => buffer.view(-1).narrow(0, 0, (long)rows * width).view(rows, width);
}
