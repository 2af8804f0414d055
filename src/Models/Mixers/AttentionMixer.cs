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
    /// <param name="inputWidth">Width of what is read; 0: d_model.</param>
    public AttentionMixer(AttentionConfig config, int dModel, bool bidirectional, int inputWidth = 0)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        _bidirectional = bidirectional;
        inputWidth = inputWidth == 0 ? dModel : inputWidth;
        _dHead = config.HeadWidth(inputWidth);
        QProj = register_module("q_proj", new nn.Linear(inputWidth, (long)config.NHead * _dHead, config.Bias));
        KProj = register_module("k_proj", new nn.Linear(inputWidth, (long)config.KvHeads * _dHead, config.Bias));
        VProj = register_module("v_proj", new nn.Linear(inputWidth, (long)config.KvHeads * _dHead, config.Bias));
        OProj = register_module("o_proj", new nn.Linear((long)config.NHead * _dHead, dModel, config.Bias));
    }

    /// <summary>[n_head * d_head, width of the input].</summary>
    public nn.Linear QProj { get; }

    /// <summary>[n_kv_head * d_head, width of the input].</summary>
    public nn.Linear KProj { get; }

    /// <summary>[n_kv_head * d_head, width of the input].</summary>
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

    /// <summary>Projections, and for each position that one sees on average a query's product with its key and its value's share.</summary>
    public override MixerWork Work
    {
        get
        {
            var pattern = new AttentionPattern(!_bidirectional, _config.SlidingWindow);
            double projections = 2.0 * (InputProjections().Append(OProj).Sum(p => p.weight.numel())), each = 4.0 * _config.NHead * _dHead;
            long numbers = 2L * _config.KvHeads * _dHead;
            return new MixerWork(
                length => projections + (each * pattern.Seen(length)),
                position => projections + (each * pattern.Held(position + 1)))
            {
                // A window's ring is there from the start.
                State = (batch, position) => batch * numbers * (pattern.Window > 0 ? pattern.Window : position),
            };
        }
    }

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
    public override Tensor extend(Tensor x, MixerState state, in MixContext context = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (state is not AttentionState s)
        {
            return base.extend(x, state, context);
        }

        long length = x.size(1);
        long first = s.Position;
        (Tensor q, Tensor k, Tensor v) = Project(x, Positions(first, length, x.device));
        Tensor y;
        if (length == 1)
        {
            s.Append(k, v);
            y = ScaledDotProduct.Run(q, Expand(s.Keys.to(q.dtype)), Expand(s.Values.to(q.dtype)), default, null);
        }
        else
        {
            // A ring forgets keys that the first of these positions still sees: they are taken before the new ones come.
            (Tensor keys, Tensor values) = s.Before();
            Tensor allKeys = cat([keys.to(k.dtype), k], 2);
            Tensor allValues = cat([values.to(v.dtype), v], 2);
            s.Append(k, v);
            y = ScaledDotProduct.Extend(q, Expand(allKeys), Expand(allValues), first, new AttentionPattern(true, _config.SlidingWindow));
        }

        return Gemm.Linear(y.transpose(1, 2).reshape(x.size(0), length, -1), OProj.weight, OProj.bias, ComputeType);
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
