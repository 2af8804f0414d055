using GenoSeq.Models.Blocks;
using GenoSeq.Models.Losses;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>
/// Dynamic chunking of H-Net (Hwang, Wang and Gu 2025, arXiv 2507.07955) as a layer: a router finds boundaries, the vectors at boundaries go
/// through a network over chunks, and what comes out is spread over the positions again. The layers before are the encoder, those
/// behind the decoder; the stream around the layer is the encoder's residual. See docs/dynamic-chunking.md.
/// </summary>
/// <remarks>
/// <para>p_t = (1 - cos(W_q x_t, W_k x_(t-1))) / 2, 1 at a sequence's first position; b_t = [p_t at least 1/2]. With z the network's output at
/// a chunk's boundary: h_t = (1 - b_t p_t) h_(t-1) + b_t p_t z_t, which is the exponential average over chunks and, between
/// boundaries, its last value. y_t = ste(c_t) h_t + W_r x_t with c_t = p_t where b_t, else 1 - p_t; ste(c) is 1 with the gradient of c.</para>
/// <para>Everything is causal and deterministic. How many chunks there are the host reads once a layer, to size the network's input, so
/// that such a model's step is not captured as a CUDA graph.</para>
/// </remarks>
public sealed class DynamicChunking : Mixer
{
    private static readonly Operator s_argsort = new("aten::argsort");
    private static readonly Operator s_scatter = new("aten::scatter", "src");

    private readonly ChunkingConfig _config;
    private readonly int _width;
    private readonly int _level;

    /// <summary>Creates the layer with its network.</summary>
    /// <param name="config">Settings of the model that the layer is part of.</param>
    public DynamicChunking(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config.Chunking;
        _width = config.DModel;
        Network = _config.Network(config);
        _level = Depth(_config);
        QProj = register_module("q_proj", new nn.Linear(_width, _width));
        KProj = register_module("k_proj", new nn.Linear(_width, _width));
        ResidualProj = register_module("residual_proj", new nn.Linear(_width, _width));
        if (Network.DModel > _width)
        {
            Pad = register_parameter("pad", new nn.Parameter(zeros([Network.DModel - _width])) { NoWeightDecay = true });
        }

        Layers = register_module("layers", LayerStack.Create(Network));
        NormF = register_module("norm_f", new RmsNorm(Network.DModel, Network.NormEps));
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        // Boundaries begin where neighbours differ by themselves, and the network's output is all that the layer gives.
        Tensor order = arange(0, _width);
        Tensor one = order.unsqueeze(1).eq(order).to(float32);
        QProj.weight.copy_(one);
        KProj.weight.copy_(one);
        ResidualProj.weight.zero_();
    }

    /// <summary>The network over chunks, as a model.</summary>
    public ModelConfig Network { get; }

    /// <summary>[d_model, d_model].</summary>
    public nn.Linear QProj { get; }

    /// <summary>[d_model, d_model].</summary>
    public nn.Linear KProj { get; }

    /// <summary>[d_model, d_model].</summary>
    public nn.Linear ResidualProj { get; }

    /// <summary>What fills the network's additional channels, or null.</summary>
    public nn.Parameter? Pad { get; }

    /// <summary>The network's layers.</summary>
    public nn.ModuleList<Block> Layers { get; }

    /// <summary>The network's last norm.</summary>
    public RmsNorm NormF { get; }

    /// <inheritdoc/>
    public override bool IsCausal => true;

    /// <inheritdoc/>
    public override Torch.ScalarType ComputeType
    {
        get => base.ComputeType;
        set
        {
            base.ComputeType = value;
            foreach (Block b in Layers)
            {
                b.SetComputeType(value);
            }
        }
    }

    /// <summary>
    /// The router, the average over chunks and the residual of every position, and the network at one of <see cref="ChunkingConfig.Target"/> positions, as
    /// the ratio loss has it on average.
    /// </summary>
    public override MixerWork Work
    {
        get
        {
            MixerWork[] layers = [.. Layers.Select(l => l.Mixer.Work)];
            double mlps = Enumerable.Range(0, layers.Length).Sum(i => Network.Mlp?.Flops(i, Network.DModel) ?? 0), target = _config.Target;
            long kept = 2L * _width;
            long Chunks(long positions) => Math.Max(1, (long)Math.Round(positions / target));
            return new MixerWork(
                length => (layers.Sum(l => l.Forward(Chunks(length))) + mlps) / target,
                position => (layers.Sum(l => l.Step((long)(position / target))) + mlps) / target)
            {
                Filter = length => layers.Sum(l => l.Filter(Chunks(length))),
                State = (batch, position) => (batch * kept) + layers.Sum(l => l.State!(batch, position == 0 ? 0 : Chunks(position))),
            }.Plus((2 * (QProj.weight.numel() + KProj.weight.numel() + ResidualProj.weight.numel())) + ((2 + DiagonalScan.Flops) * _width));
        }
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, in MixContext context = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        using DisposeScope scope = NewDisposeScope();
        (long batch, long length) = (x.size(0), x.size(1));
        Tensor? ids = context.SequenceIds;
        (Tensor q, Tensor k) = Routed(x);
        Tensor first = ones([batch, 1], q.dtype, x.device);
        Tensor p = length == 1 ? first : cat([first, Probability(q.narrow(1, 1, length - 1), k.narrow(1, 0, length - 1))], 1);
        if (ids is not null)
        {
            Tensor same = DiagonalScan.Continues(cat([ids.narrow(1, 0, 1), ids], 1), p.dtype).squeeze(-1);
            p = p * same + (1 - same);
        }

        Tensor boundary = p.detach().ge(0.5).to(p.dtype);
        Report(context, boundary, p);
        (Tensor at, Tensor present) = Positions(boundary);
        MixContext inner = new(false, ids is null ? null : OfTheirOwn(ids.gather(1, at), present, ids), null, context.Side, Present: present);
        Tensor z = Run(Wide(x.gather(1, Columns(at, x.size(2)))), inner);
        Tensor spread = s_scatter.Call(zeros(x.shape, z.dtype, x.device), 1L, Columns(at, x.size(2)), z.contiguous());
        return Out(x, p, boundary, spread, null).Y.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override MixerState initial_state(long batch) => new ChunkingState(this, batch, QProj.weight.device, QProj.weight.dtype);

    /// <inheritdoc/>
    public override Tensor extend(Tensor x, MixerState state, in MixContext context = default)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (state is not ChunkingState s)
        {
            return base.extend(x, state, context);
        }

        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (long batch, long length) = (x.size(0), x.size(1));
        (Tensor q, Tensor k) = Routed(x);
        Tensor before = cat([s.Key.unsqueeze(1), k.narrow(1, 0, length - 1)], 1);
        Tensor p = Probability(q, before);
        if (!s.Begun)
        {
            p.select(1, 0).fill_(1);
        }

        Tensor boundary = p.ge(0.5).to(p.dtype);
        var rows = new Tensor[batch];
        for (int row = 0; row < batch; row++)
        {
            // Sequences have boundaries in different places, so each has states of its own.
            Tensor at = boundary.select(0, row).nonzero().squeeze(1);
            Tensor spread = zeros([1, length, _width], x.dtype, x.device);
            if (at.size(0) > 0)
            {
                Tensor z = Extend(Wide(x.narrow(0, row, 1).index_select(1, at)), s.Rows[row]);
                spread = s_scatter.Call(spread.to(z.dtype), 1L, Columns(at.unsqueeze(0), _width), z.contiguous());
            }

            rows[row] = spread;
        }

        (Tensor y, Tensor last) = Out(x, p, boundary, cat(rows), s.Average);
        s.Advance(k.select(1, length - 1), last);
        return y.MoveToOuterDisposeScope();
    }

    // Rows for the router of length 1, at least in single precision.
    private (Tensor Q, Tensor K) Routed(Tensor x)
    {
        Tensor wide = x.dtype == float64 ? x : x.to(float32);
        return (Unit(nn.functional.linear(wide, QProj.weight)), Unit(nn.functional.linear(wide, KProj.weight)));
    }

    private static Tensor Unit(Tensor t) => t * t.square().sum([-1], true).add(1e-12).rsqrt();

    private static Tensor Probability(Tensor q, Tensor k) => (1 - (q * k).sum([-1])).mul(0.5).clamp(0, 1);

    private void Report(in MixContext context, Tensor boundary, Tensor p)
    {
        if (context.Side is null || _config.RatioLoss == 0)
        {
            return;
        }

        Tensor counted = context.Present?.to(p.dtype) ?? ones_like(boundary);
        context.Side.Add(new RatioTerm(_config.RatioLoss, _config.Target, _level),
            stack([(boundary * counted).sum(), (p * counted).sum(), counted.sum()]));
    }

    // Positions of the boundaries [batch, most chunks], and where there is one; what fills up are positions without boundary, each once.
    private static (Tensor At, Tensor Present) Positions(Tensor boundary)
    {
        using IDisposable mode = no_grad();
        long length = boundary.size(1);
        Tensor counts = boundary.sum([1], true);
        long most = (long)counts.max().item();
        Tensor order = arange(0, length, 1, int64, boundary.device);
        Tensor key = (1 - boundary).to(int64) * full([1], length, int64, boundary.device) + order;
        Tensor at = s_argsort.Call(key, 1L).narrow(1, 0, most).contiguous();
        return (at, counts.gt(arange(0, most, 1, int64, boundary.device)));
    }

    // What fills up is a sequence of its own behind the others.
    private static Tensor OfTheirOwn(Tensor chunkIds, Tensor present, Tensor ids)
    {
        using IDisposable mode = no_grad();
        Tensor behind = ids.narrow(1, ids.size(1) - 1, 1) + ones_like(ids.narrow(1, 0, 1));
        return where(present, chunkIds, behind.expand(chunkIds.shape)).contiguous();
    }

    private static Tensor Columns(Tensor at, long width) => at.unsqueeze(-1).expand(at.size(0), at.size(1), width);

    private Tensor Wide(Tensor x) => Pad is null ? x : cat([x, Pad.to(x.dtype).expand(x.size(0), x.size(1), Pad.size(0))], -1);

    private Tensor Run(Tensor x, in MixContext context)
    {
        MixContext own = context with { Embedding = LayerStack.Embedding(Layers, x) };
        Tensor? r = null;
        foreach (Block b in Layers)
        {
            (x, r) = b.forward(x, r, own);
        }

        return Narrow(NormF.Last(x, r));
    }

    private Tensor Extend(Tensor x, MixerState[] states)
    {
        MixContext own = new(Embedding: LayerStack.Embedding(Layers, x));
        Tensor? r = null;
        for (int i = 0; i < Layers.Count; i++)
        {
            (x, r) = Layers[i].extend(x, r, states[i], own);
        }

        return Narrow(NormF.Last(x, r));
    }

    private Tensor Narrow(Tensor y) => Pad is null ? y : y.narrow(-1, 0, _width);

    // The average over chunks, held between boundaries, with the straight-through confidence; and the residual.
    private (Tensor Y, Tensor Last) Out(Tensor x, Tensor p, Tensor boundary, Tensor spread, Tensor? before)
    {
        Tensor weight = (boundary * p).unsqueeze(-1);
        Tensor wide = spread.to(p.dtype);
        (Tensor h, Tensor last) = DiagonalScan.Run((1 - weight).expand(wide.shape), weight * wide, before, null);
        Tensor confidence = p * boundary + (1 - p) * (1 - boundary);
        Tensor through = (confidence + (1 - confidence).detach()).unsqueeze(-1);
        return ((through * h).to(x.dtype) + Gemm.Linear(x, ResidualProj.weight, null, ComputeType), last);
    }

    // Levels count from the innermost one.
    private static int Depth(ChunkingConfig config) => config.Inner is null ? 0 : 1 + Depth(config.Inner);
}

/// <summary>What a dynamic-chunking layer carries: the last position's key, the average over chunks, and for each sequence its network's states.</summary>
public sealed class ChunkingState : MixerState
{
    internal ChunkingState(DynamicChunking layer, long batch, Device device, Torch.ScalarType type)
    {
        long width = layer.QProj.weight.size(0);
        Key = zeros([batch, width], type, device).DetachFromDisposeScope();
        Average = zeros([batch, width], type, device).DetachFromDisposeScope();
        Rows = [.. Enumerable.Range(0, (int)batch).Select(_ => layer.Layers.Select(l => l.Mixer.initial_state(1)).ToArray())];
    }

    private ChunkingState(Tensor key, Tensor average, MixerState[] states) =>
        (Key, Average, Rows) = (key.DetachFromDisposeScope(), average.DetachFromDisposeScope(), [states]);

    /// <summary>[batch, d_model].</summary>
    internal Tensor Key { get; }

    /// <summary>[batch, d_model].</summary>
    internal Tensor Average { get; }

    /// <summary>States of the network's layers, by sequence.</summary>
    internal MixerState[][] Rows { get; }

    /// <summary>Whether a position has been seen.</summary>
    internal bool Begun { get; private set; }

    /// <inheritdoc/>
    public override long Bytes => ((Key.numel() + Average.numel()) * Key.dtype.ElementSize()) + Rows.SelectMany(r => r).Sum(s => s.Bytes);

    internal override MixerState Row(int row) =>
        new ChunkingState(Key.narrow(0, row, 1).clone(), Average.narrow(0, row, 1).clone(), Array.ConvertAll(Rows[row], s => s.Row(0))) { Begun = Begun };

    internal void Advance(Tensor key, Tensor average)
    {
        Key.copy_(key);
        Average.copy_(average);
        Begun = true;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Key.Dispose();
            Average.Dispose();
            foreach (MixerState s in Rows.SelectMany(r => r))
            {
                s.Dispose();
            }
        }
    }
}
