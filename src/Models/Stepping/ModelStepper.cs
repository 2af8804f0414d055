using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Stepping;

/// <summary>
/// Runs a causal model position by position on rows that do not depend on each other: weights are made ready once, everything lies where it
/// is for good, and a step is a few launches that a CUDA graph can repeat. In single precision, whatever the model's policy.
/// </summary>
/// <remarks>
/// The numbers are those of <see cref="SequenceModel.step"/> but for rounding. Of Mamba-1 and attention a row's are the same bits whatever the other
/// rows are; the other recurrent mixers' products are the library's, whose sums may be in another order for another number of rows. Recurrent
/// layers and sliding windows need the same memory and time at every position, full attention both in proportion to it. Where a layer
/// has no step of its own, rows are stepped one by one as <see cref="SequenceModel.step"/> does, under the model's policy.
/// </remarks>
public sealed class ModelStepper : IDisposable
{
    private readonly LayerStep[] _layers;
    private readonly PlainRows? _plain;
    private readonly StepKernels _kernels;
    private readonly int _width;
    private readonly Tensor _embedding;
    private readonly Tensor _norm;
    private readonly Tensor _head;
    private readonly float _eps;
    private readonly Tensor _x;
    private readonly Tensor[] _sums;
    private readonly Tensor _wide;
    private readonly Tensor _mid;
    private readonly Tensor _positions;
    private readonly SequenceModel _model;
    private long _reserved;

    /// <summary>Makes a model's weights ready; the model must live and stay as it is as long as the stepper.</summary>
    /// <param name="model">Causal.</param>
    /// <param name="rows">Sequences that are stepped together.</param>
    /// <exception cref="NotSupportedException">The model sees both sides of a position.</exception>
    public ModelStepper(SequenceModel model, int rows)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        if (!model.IsCausal)
        {
            throw new NotSupportedException("the model sees both sides of a position, so it cannot run position by position");
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Rows = rows;
        _model = model;
        ModelConfig config = model.Config;
        _width = config.DModel;
        Device device = model.Device;
        _embedding = Ready(model.Embedding.weight);
        _norm = Ready(model.NormF.weight);
        _head = Ready(model.Head.weight);
        _eps = (float)model.NormF.Eps;
        _plain = PlainRows.Needed(model) ? new PlainRows(model, rows) : null;
        _layers = _plain is null ? [.. model.Layers.Select(l => LayerStep.Of(l, config, rows))] : [];
        _kernels = StepKernels.Of(_embedding);
        _x = Room(rows, _width);
        _sums = [Room(rows, _width), Room(rows, _width)];
        _wide = Room(rows, _layers.Select(l => Math.Max(l.In.Weight?.size(0) ?? _width, l.GateUp?.size(0) ?? 0)).DefaultIfEmpty().Max());
        _mid = Room(rows, _layers.Select(l => l.Out.Weight.size(1)).DefaultIfEmpty().Max());
        Logits = Room(rows, config.VocabSize);
        Ids = zeros([rows], int32, device).DetachFromDisposeScope();
        _positions = full([rows], -1, int64, device).DetachFromDisposeScope();

        Tensor Room(long n, long width) => zeros([n, width], float32, device).DetachFromDisposeScope();
    }

    /// <summary>Sequences that are stepped together.</summary>
    public int Rows { get; }

    /// <summary>int32 [rows]: the ids that the next step reads.</summary>
    public Tensor Ids { get; }

    /// <summary>f32 [rows, vocab]: the last step's logits.</summary>
    public Tensor Logits { get; }

    /// <summary>Bytes of the states.</summary>
    public long StateBytes => _plain?.StateBytes ?? _layers.Sum(l => l.StateBytes);

    /// <summary>Whether a CUDA graph can repeat a step: every layer has a step of its own.</summary>
    public bool CanBeCaptured => _plain is null;

    internal StepKernels Kernels => _kernels;

    /// <summary>Puts a row behind what a state has seen.</summary>
    /// <param name="row">The row.</param>
    /// <param name="state">A state of the model.</param>
    /// <param name="stateRow">Its batch entry.</param>
    /// <param name="position">Positions that it has seen.</param>
    public void Load(int row, ModelState state, int stateRow, long position)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Reserve(position);
        _plain?.Load(row, state, stateRow);
        for (int i = 0; i < _layers.Length; i++)
        {
            _layers[i].Load(row, state.Layers[i], stateRow);
        }

        _positions.narrow(0, row, 1).fill_(position - 1);
    }

    /// <summary>Puts a row before its first position.</summary>
    public void Clear(int row)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)Rows, nameof(row));
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        _plain?.Clear(row);
        Array.ForEach(_layers, l => l.Clear(row));
        _positions.narrow(0, row, 1).fill_(-1);
    }

    /// <summary>Makes room for so many positions of each row.</summary>
    /// <returns>True where memory has moved: a graph that was captured before must be captured anew.</returns>
    public bool Reserve(long positions)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        bool moved = false;
        foreach (LayerStep layer in _layers)
        {
            moved |= layer.Reserve(positions, _reserved);
        }

        _reserved = Math.Max(_reserved, positions);
        return moved;
    }

    /// <summary>
    /// One more position of every row: reads <see cref="Ids"/>, writes <see cref="Logits"/>. There must be room for it
    /// (<see cref="Reserve"/>). Does not wait for the device.
    /// </summary>
    public void Step()
    {
        if (_plain is not null)
        {
            _plain.Step(Ids, Logits);
            return;
        }

        _kernels.Embed(new StepEmbed
        {
            Ids = Ids.data_ptr(),
            Weight = _embedding.data_ptr(),
            Out = _x.data_ptr(),
            Positions = _positions.data_ptr(),
            Rows = Rows,
            Width = _width,
            Vocab = (int)_embedding.size(0),
        });
        Tensor? residual = null;
        int next = 0;
        foreach (LayerStep layer in _layers)
        {
            residual = Normed(layer.Norm, layer.Eps, residual, ref next, layer.In, _wide);
            layer.Mix(_kernels, _wide, _mid, _positions, Rows);
            Product(_mid, layer.Out, _x, gate: false);
            if (layer.Norm2 is not null)
            {
                residual = Normed(layer.Norm2, layer.Eps, residual, ref next, (layer.GateUp!, layer.GateUpBias), _wide);
                Product(_wide, (layer.Down!, layer.DownBias), _x, gate: true);
            }
        }

        Normed(_norm, _eps, residual, ref next, (_head, null), Logits);
        if (_model.Config.LogitCap > 0)
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable mode = no_grad();
            Logits.copy_(_model.Capped(Logits));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _plain?.Dispose();
        Array.ForEach(_layers, l => l.Dispose());
        foreach (Tensor t in (Tensor[])[_embedding, _norm, _head, _x, .. _sums, _wide, _mid, Logits, Ids, _positions])
        {
            t.Dispose();
        }
    }

    private static Tensor Ready(Tensor parameter) => parameter.detach().to(float32).contiguous().alias().DetachFromDisposeScope();

    // The residual stream moves from one buffer to the other: all blocks of a product read the old one.
    private Tensor Normed(Tensor norm, float eps, Tensor? residual, ref int next, (Tensor? Weight, Tensor? Bias) product, Tensor output)
    {
        Tensor sum = _sums[next];
        next = 1 - next;
        _kernels.Linear(new StepLinear
        {
            X = _x.data_ptr(),
            Residual = residual?.data_ptr() ?? 0,
            Sum = sum.data_ptr(),
            Norm = norm.data_ptr(),
            Weight = product.Weight?.data_ptr() ?? 0,
            Bias = product.Bias?.data_ptr() ?? 0,
            Out = output.data_ptr(),
            Eps = eps,
            Rows = Rows,
            Inputs = _width,
            Outputs = (int)(product.Weight?.size(0) ?? _width),
        });
        return sum;
    }

    private void Product(Tensor x, (Tensor Weight, Tensor? Bias) product, Tensor output, bool gate) => _kernels.Linear(new StepLinear
    {
        X = x.data_ptr(),
        Weight = product.Weight.data_ptr(),
        Bias = product.Bias?.data_ptr() ?? 0,
        Out = output.data_ptr(),
        Rows = Rows,
        Inputs = (int)product.Weight.size(1),
        Outputs = (int)product.Weight.size(0),
        Gate = gate ? 1 : 0,
    });
}
