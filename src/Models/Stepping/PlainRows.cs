using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Stepping;

/// <summary>
/// The rows of a stepper whose model has layers without a step of their own: each has the states of <see cref="SequenceModel.step"/> and is
/// stepped by itself. Slower than steps of all rows, and no CUDA graph repeats it, since states change on the host.
/// </summary>
internal sealed class PlainRows : IDisposable
{
    private readonly SequenceModel _model;
    private readonly ModelState[] _states;

    internal PlainRows(SequenceModel model, int rows)
    {
        _model = model;
        _states = [.. Enumerable.Range(0, rows).Select(_ => model.initial_state(1))];
    }

    /// <summary>Whether a model needs them.</summary>
    internal static bool Needed(SequenceModel model) =>
        model.Layers.Any(l => l.Mixer is not (MambaMixer or AttentionMixer or RecurrentMixer { Fwd.GrowthBytes: 0 })
            || l.Mlp is not (null or SwiGlu) || l.Norm is not RmsNorm);

    internal long StateBytes => _states.Sum(s => s.Bytes);

    internal void Load(int row, ModelState state, int stateRow) => Replace(row, state.Row(stateRow));

    internal void Clear(int row) => Replace(row, _model.initial_state(1));

    /// <summary>One more position of every row.</summary>
    internal void Step(Tensor ids, Tensor logits)
    {
        using IDisposable mode = no_grad();
        for (int row = 0; row < _states.Length; row++)
        {
            using DisposeScope scope = NewDisposeScope();
            logits.narrow(0, row, 1).copy_(_model.step(ids.narrow(0, row, 1), _states[row]));
        }
    }

    public void Dispose() => Array.ForEach(_states, s => s.Dispose());

    private void Replace(int row, ModelState state)
    {
        _states[row].Dispose();
        _states[row] = state;
    }
}
