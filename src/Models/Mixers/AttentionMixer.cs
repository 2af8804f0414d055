using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>
/// Softmax attention (Vaswani et al. 2017) with rotary positions (Su et al. 2021; halves rotated, as LLaMA lays them out),
/// grouped queries (Ainslie et al. 2023) and, if wanted, a sliding window.
/// </summary>
public sealed class AttentionMixer : Mixer
{
    private readonly AttentionConfig _config;
    private readonly int _dHead;
    private readonly bool _bidirectional;

    /// <summary>Creates the mixer.</summary>
    /// <param name="config">Settings.</param>
    /// <param name="dModel">Width of the residual stream.</param>
    /// <param name="bidirectional">Positions see both sides.</param>
    public AttentionMixer(AttentionConfig config, int dModel, bool bidirectional)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        _bidirectional = bidirectional;
        _dHead = config.HeadWidth(dModel);
        QProj = register_module("q_proj", new nn.Linear(dModel, (long)config.NHead * _dHead, config.Bias));
        KProj = register_module("k_proj", new nn.Linear(dModel, (long)config.KvHeads * _dHead, config.Bias));
        VProj = register_module("v_proj", new nn.Linear(dModel, (long)config.KvHeads * _dHead, config.Bias));
        OProj = register_module("o_proj", new nn.Linear((long)config.NHead * _dHead, dModel, config.Bias));
    }

    /// <summary>[n_head * d_head, d_model].</summary>
    public nn.Linear QProj { get; }

    /// <summary>[n_kv_head * d_head, d_model].</summary>
    public nn.Linear KProj { get; }

    /// <summary>[n_kv_head * d_head, d_model].</summary>
    public nn.Linear VProj { get; }

    /// <summary>[d_model, n_head * d_head].</summary>
    public nn.Linear OProj { get; }

    /// <inheritdoc/>
    public override bool IsCausal => !_bidirectional;

    /// <summary>Positions that one sees back, itself included; 0: all.</summary>
    internal int Window => _config.SlidingWindow;

    internal nn.Linear OutputProjection => OProj;

    internal IEnumerable<nn.Linear> InputProjections() => [QProj, KProj, VProj];

    /// <summary>
    /// The heads, when kernels take the mixer as one operation with its norm: without biases, in the stored orientation. Null
    /// otherwise.
    /// </summary>
    internal AttentionShape? OneOperation(bool mirrored) => _config.Bias || mirrored
        ? null
        : new AttentionShape(_config.NHead, _config.KvHeads, _dHead, new AttentionPattern(!_bidirectional, _config.SlidingWindow));

    /// <summary>Cosines and sines of all positions, f32 [length, d_head / 2], or null without rotary positions.</summary>
    internal (Tensor Cos, Tensor Sin)? Angles(long length, Device device) => _config.RopeTheta == 0
        ? null
        : RotaryAngles.Get(length, _dHead, _config.RopeTheta, _config.RopeScale, device);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, in MixContext context = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (context.Mirrored)
        {
            return forward(x.flip(1, 2), context with { Mirrored = false, SequenceIds = context.SequenceIds?.flip(1) }).flip(1, 2);
        }

        long batch = x.size(0);
        long length = x.size(1);
        (Tensor q, Tensor k, Tensor v) = Project(x, Positions(0, length, x.device));
        Tensor y = ScaledDotProduct.Run(q, Expand(k), Expand(v), new AttentionPattern(!_bidirectional, _config.SlidingWindow),
            context.SequenceIds);
        return Gemm.Linear(y.transpose(1, 2).reshape(batch, length, -1), OProj.weight, OProj.bias, ComputeType);
    }

    /// <inheritdoc/>
    public override MixerState initial_state(long batch) => IsCausal
        ? new AttentionState(batch, _config.KvHeads, _dHead, _config.SlidingWindow, QProj.weight.device)
        : base.initial_state(batch);

    /// <inheritdoc/>
    public override Tensor step(Tensor x, MixerState state)
    {
        ArgumentNullException.ThrowIfNull(x);
        var s = (AttentionState)state;
        (Tensor q, Tensor k, Tensor v) = Project(x.unsqueeze(1), Positions(s.Position, 1, x.device));
        s.Append(k, v);
        Tensor y = ScaledDotProduct.Run(q, Expand(s.Keys), Expand(s.Values), default, null);
        return Gemm.Linear(y.transpose(1, 2).reshape(x.size(0), -1), OProj.weight, OProj.bias, ComputeType);
    }

    // [batch, heads, length, d_head] each, rotated.
    private (Tensor Q, Tensor K, Tensor V) Project(Tensor x, (Tensor Cos, Tensor Sin)? angles)
    {
        Tensor q = Heads(Gemm.Linear(x, QProj.weight, QProj.bias, ComputeType), _config.NHead);
        Tensor k = Heads(Gemm.Linear(x, KProj.weight, KProj.bias, ComputeType), _config.KvHeads);
        Tensor v = Heads(Gemm.Linear(x, VProj.weight, VProj.bias, ComputeType), _config.KvHeads);
        return angles is { } a ? (Rotate(q, a), Rotate(k, a), v) : (q, k, v);
    }

    private Tensor Heads(Tensor t, long heads) => t.view(t.size(0), t.size(1), heads, _dHead).transpose(1, 2);

    private Tensor Expand(Tensor t) =>
        _config.KvHeads == _config.NHead ? t : t.repeat_interleave(_config.NHead / _config.KvHeads, 1);

    private (Tensor Cos, Tensor Sin)? Positions(long first, long length, Device device)
    {
        if (_config.RopeTheta == 0)
        {
            return null;
        }

        using IDisposable mode = no_grad();
        Tensor angles = RotaryAngles.Compute(first, length, _dHead, _config.RopeTheta, _config.RopeScale, device);
        Tensor both = cat([angles, angles], 1);
        return (both.cos().to(float32), both.sin().to(float32));
    }

    private static Tensor Rotate(Tensor t, (Tensor Cos, Tensor Sin) angles)
    {
        Tensor[] halves = t.chunk(2, -1);
        Tensor turned = cat([-halves[1], halves[0]], -1);
        return (t * angles.Cos.to(t.dtype)) + (turned * angles.Sin.to(t.dtype));
    }
}

/// <summary>Keys and values of the positions so far; with a sliding window only of the last ones, in a ring.</summary>
public sealed class AttentionState : MixerState
{
    private readonly int _window;
    private Tensor _keys;
    private Tensor _values;

    /// <summary>An empty cache.</summary>
    public AttentionState(long batch, long heads, long dHead, int window, Device device)
    {
        _window = window;
        long capacity = window > 0 ? window : 64;
        _keys = empty([batch, heads, capacity, dHead], float32, device).DetachFromDisposeScope();
        _values = empty([batch, heads, capacity, dHead], float32, device).DetachFromDisposeScope();
    }

    /// <summary>Positions seen.</summary>
    public long Position { get; private set; }

    /// <inheritdoc/>
    public override long Bytes => 4 * (_keys.numel() + _values.numel());

    // Softmax does not depend on the order of keys, and their rotation was applied when they came: a ring needs no shifting.
    internal Tensor Keys => _keys.narrow(2, 0, Count);

    internal Tensor Values => _values.narrow(2, 0, Count);

    private long Count => Math.Min(Position, _keys.size(2));

    internal void Append(Tensor k, Tensor v)
    {
        long capacity = _keys.size(2);
        if (_window == 0 && Position == capacity)
        {
            _keys = Grow(_keys);
            _values = Grow(_values);
            capacity = _keys.size(2);
        }

        _keys.narrow(2, Position % capacity, 1).copy_(k);
        _values.narrow(2, Position % capacity, 1).copy_(v);
        Position++;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _keys.Dispose();
            _values.Dispose();
        }
    }

    private static Tensor Grow(Tensor t)
    {
        Tensor bigger = empty([t.size(0), t.size(1), 2 * t.size(2), t.size(3)], t.dtype, t.device).DetachFromDisposeScope();
        bigger.narrow(2, 0, t.size(2)).copy_(t);
        t.Dispose();
        return bigger;
    }
}
