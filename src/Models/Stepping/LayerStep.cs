using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Stepping;

/// <summary>A layer's weights as the step's kernels read them, and its state for all rows.</summary>
internal abstract class LayerStep : IDisposable
{
    private readonly List<Tensor> _own = [];

    private protected LayerStep(Block block)
    {
        Norm = Weight(block.Norm.weight);
        Eps = (float)block.Norm.Eps;
        if (block.Mlp is SwiGlu mlp)
        {
            Norm2 = Weight(block.Norm2!.weight);
            GateUp = Joined(mlp.Gate.weight, mlp.Up.weight);
            GateUpBias = mlp.Gate.bias is null ? null : Joined(mlp.Gate.bias, mlp.Up.bias!);
            Down = Weight(mlp.Down.weight);
            DownBias = mlp.Down.bias is null ? null : Weight(mlp.Down.bias);
        }
    }

    internal Tensor Norm { get; }

    internal float Eps { get; }

    /// <summary>The mixer's first product [outputs, d_model], and its bias; without a weight the mixer takes the norm as it is.</summary>
    internal abstract (Tensor? Weight, Tensor? Bias) In { get; }

    /// <summary>The mixer's last product [d_model, inputs], and its bias.</summary>
    internal abstract (Tensor Weight, Tensor? Bias) Out { get; }

    internal Tensor? Norm2 { get; }

    /// <summary>[2 d_ff, d_model].</summary>
    internal Tensor? GateUp { get; }

    internal Tensor? GateUpBias { get; }

    internal Tensor? Down { get; }

    internal Tensor? DownBias { get; }

    /// <summary>Bytes of the state.</summary>
    internal abstract long StateBytes { get; }

    /// <summary>Runs the mixer between its products.</summary>
    internal abstract void Mix(StepKernels kernels, Tensor from, Tensor to, Tensor positions, int rows);

    /// <summary>Takes over one row of a state.</summary>
    internal abstract void Load(int row, MixerState state, int stateRow);

    /// <summary>Forgets a row.</summary>
    internal abstract void Clear(int row);

    /// <summary>Makes room; true where memory has moved.</summary>
    internal virtual bool Reserve(long positions, long held) => false;

    internal static LayerStep Of(Block block, ModelConfig config, int rows) => block.Mixer switch
    {
        RecurrentMixer r => new RecurrentStep(block, r, rows),
        MambaMixer m => new MambaStep(block, m, config.Mamba, rows),
        AttentionMixer a => new AttentionStep(block, a, config.Attention, config.DModel, rows),
        _ => throw new NotSupportedException($"{block.Mixer.GetType().Name} has no step"),
    };

    public void Dispose()
    {
        _own.ForEach(t => t.Dispose());
        DisposeState();
    }

    private protected abstract void DisposeState();

    /// <summary>A parameter in single precision without gaps, kept.</summary>
    private protected Tensor Weight(Tensor parameter) => Keep(parameter.detach().to(float32).contiguous().alias());

    private protected Tensor Joined(params Tensor[] parameters) => Keep(cat(Array.ConvertAll(parameters, p => p.detach().to(float32))));

    private protected Tensor Keep(Tensor t)
    {
        _own.Add(t.DetachFromDisposeScope());
        return t;
    }
}

/// <summary>A Mamba layer.</summary>
internal sealed class MambaStep : LayerStep
{
    private readonly Tensor _conv;
    private readonly Tensor? _convBias;
    private readonly Tensor _xProj;
    private readonly Tensor _dtProj;
    private readonly Tensor _dtBias;
    private readonly Tensor _a;
    private readonly Tensor _skip;
    private readonly Tensor?[] _norms;
    private readonly float _normEps;
    private readonly MambaState _state;

    internal MambaStep(Block block, MambaMixer mixer, MambaConfig config, int rows) : base(block)
    {
        MambaDirection p = mixer.Fwd;
        In = (Weight(p.InProj.weight), p.InProj.bias is null ? null : Weight(p.InProj.bias));
        Out = (Weight(p.OutProj.weight), p.OutProj.bias is null ? null : Weight(p.OutProj.bias));
        _conv = Weight(p.Conv1d.weight);
        _convBias = p.Conv1d.bias is null ? null : Weight(p.Conv1d.bias);
        _xProj = Weight(p.XProj.weight);
        _dtProj = Weight(p.DtProj.weight);
        _dtBias = Weight(p.DtProj.bias!);
        _a = Keep(p.ALog.detach().to(float32).exp().neg());
        _skip = Weight(p.D);
        _norms = Array.ConvertAll(p.Inner()[^ProjectionNorms.Count..], w => w is null ? null : Weight(w));
        _normEps = p.Norms is null ? 0 : (float)config.StabilityEps;
        _state = new MambaState(rows, config.DConv - 1, (int)_skip.size(0), config.DState, _skip.device);
    }

    internal override (Tensor? Weight, Tensor? Bias) In { get; }

    internal override (Tensor Weight, Tensor? Bias) Out { get; }

    internal override long StateBytes => _state.Bytes;

    internal override void Mix(StepKernels kernels, Tensor from, Tensor to, Tensor positions, int rows) => kernels.Mamba(new StepMamba
    {
        Xz = from.data_ptr(),
        Halo = _state.Halo.data_ptr(),
        State = _state.State.data_ptr(),
        Conv = _conv.data_ptr(),
        ConvBias = _convBias?.data_ptr() ?? 0,
        XProj = _xProj.data_ptr(),
        DtProj = _dtProj.data_ptr(),
        DtBias = _dtBias.data_ptr(),
        A = _a.data_ptr(),
        Skip = _skip.data_ptr(),
        NormDt = _norms[0]?.data_ptr() ?? 0,
        NormB = _norms[1]?.data_ptr() ?? 0,
        NormC = _norms[2]?.data_ptr() ?? 0,
        NormEps = _normEps,
        Out = to.data_ptr(),
        Rows = rows,
        Channels = (int)_skip.size(0),
        States = (int)_a.size(1),
        Taps = (int)_conv.size(2),
        Rank = (int)_dtProj.size(1),
    });

    internal override void Load(int row, MixerState state, int stateRow)
    {
        var from = (MambaState)state;
        _state.Halo.select(0, row).copy_(from.Halo.select(0, stateRow));
        _state.State.select(0, row).copy_(from.State.select(0, stateRow));
    }

    internal override void Clear(int row)
    {
        _state.Halo.select(0, row).zero_();
        _state.State.select(0, row).zero_();
    }

    private protected override void DisposeState() => _state.Dispose();
}

/// <summary>An attention layer.</summary>
internal sealed class AttentionStep : LayerStep
{
    private const int FirstCapacity = 1024;
    private const int Splits = 64;

    private readonly AttentionConfig _config;
    private readonly int _head;
    private readonly Tensor _part;
    private Tensor _keys;
    private Tensor _values;

    internal AttentionStep(Block block, AttentionMixer mixer, AttentionConfig config, int dModel, int rows) : base(block)
    {
        _config = config;
        _head = config.HeadWidth(dModel);
        In = (Joined(mixer.QProj.weight, mixer.KProj.weight, mixer.VProj.weight),
            mixer.QProj.bias is null ? null : Joined(mixer.QProj.bias, mixer.KProj.bias!, mixer.VProj.bias!));
        Out = (Weight(mixer.OProj.weight), mixer.OProj.bias is null ? null : Weight(mixer.OProj.bias));
        Device device = Out.Weight.device;
        _part = Keep(empty([rows, config.NHead, Splits, _head + 2], float32, device));
        long capacity = config.SlidingWindow > 0 ? config.SlidingWindow : FirstCapacity;
        _keys = zeros([rows, config.KvHeads, capacity, _head], float32, device).DetachFromDisposeScope();
        _values = zeros([rows, config.KvHeads, capacity, _head], float32, device).DetachFromDisposeScope();
    }

    internal override (Tensor? Weight, Tensor? Bias) In { get; }

    internal override (Tensor Weight, Tensor? Bias) Out { get; }

    internal override long StateBytes => 4 * (_keys.numel() + _values.numel());

    internal override void Mix(StepKernels kernels, Tensor from, Tensor to, Tensor positions, int rows) => kernels.Attend(new StepAttend
    {
        Qkv = from.data_ptr(),
        Keys = _keys.data_ptr(),
        Values = _values.data_ptr(),
        Positions = positions.data_ptr(),
        Part = _part.data_ptr(),
        Out = to.data_ptr(),
        Theta = _config.RopeTheta,
        Scale = _config.RopeScale,
        Rows = rows,
        Heads = _config.NHead,
        KvHeads = _config.KvHeads,
        Head = _head,
        Capacity = (int)_keys.size(2),
        Splits = Splits,
    });

    internal override void Load(int row, MixerState state, int stateRow)
    {
        var from = (AttentionState)state;
        if (from.Held > 0)
        {
            _keys.select(0, row).narrow(1, 0, from.Held).copy_(from.Keys.select(0, stateRow));
            _values.select(0, row).narrow(1, 0, from.Held).copy_(from.Values.select(0, stateRow));
        }
    }

    // What is not held is not read.
    internal override void Clear(int row)
    {
    }

    internal override bool Reserve(long positions, long held)
    {
        long capacity = _keys.size(2);
        if (_config.SlidingWindow > 0 || positions <= capacity)
        {
            return false;
        }

        while (capacity < positions)
        {
            capacity *= 2;
        }

        _keys = Grown(_keys, Math.Min(held, _keys.size(2)), capacity);
        _values = Grown(_values, Math.Min(held, _values.size(2)), capacity);
        return true;
    }

    private protected override void DisposeState()
    {
        _keys.Dispose();
        _values.Dispose();
    }

    private static Tensor Grown(Tensor t, long held, long capacity)
    {
        // Zeros: a benchmark is put at positions whose keys it has not read, and what lay in memory may be no number.
        Tensor bigger = zeros([t.size(0), t.size(1), capacity, t.size(3)], float32, t.device).DetachFromDisposeScope();
        bigger.narrow(2, 0, held).copy_(t.narrow(2, 0, held));
        t.Dispose();
        return bigger;
    }
}
