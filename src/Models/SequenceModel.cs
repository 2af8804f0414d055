using GenoSeq.Models.Blocks;
using GenoSeq.Models.Context;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Losses;
using GenoSeq.Models.Mixers;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models;

/// <summary>
/// A model of sequences: ids to embedding, layers, norm, head, logits. One class for every family; what differs is in
/// <see cref="ModelConfig"/>.
/// </summary>
/// <remarks>
/// Reverse-complement equivariance (Schiff et al. 2024, "Caduceus"): the other strand is a second batch entry in its own
/// reading direction, so nothing is flipped between the embedding and the head. Published weights were trained with the
/// strands changing places at every block; a swap of strands stored in their own direction is flip(length and channels), so
/// every other layer runs mirrored (weights flipped instead of activations) and the result is the same.
/// </remarks>
public sealed partial class SequenceModel : nn.Module
{
    private readonly nn.ModuleList<Block> _layers;
    private readonly Tensor? _complement;
    private readonly Tensor? _complement32;

    /// <summary>Builds the model with fresh weights from the default generator.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="complement">
    /// For equivariant models: the complement of each id [vocab]; ids without one map to themselves.
    /// </param>
    /// <exception cref="ModelConfigException">The configuration makes no model; every problem is listed.</exception>
    public SequenceModel(ModelConfig config, ReadOnlySpan<int> complement = default)
    {
        ModelConfigException.ThrowIfAny(config);
        using DisposeScope scope = NewDisposeScope();
        Config = config;
        Embedding = register_module("embedding", new nn.Embedding(config.VocabSize, config.DModel));
        _layers = register_module("layers", LayerStack.Create(config));

        NormF = register_module("norm_f", StreamNorm.Of(config));
        Head = register_module("lm_head", new Head(config.DModel, config.VocabSize, config.TieEmbeddings ? Embedding : null));
        if (config.RcEquivariant)
        {
            _complement = ComplementTensor(config.VocabSize, complement);
            register_buffer("complement_map", _complement, persistent: false);
            _complement32 = _complement.to(int32);
            register_buffer("complement_map_int32", _complement32, persistent: false);
        }

        Initialization.Apply(this);
    }

    /// <summary>What the model is made of.</summary>
    public ModelConfig Config { get; }

    /// <summary>[vocab, d_model].</summary>
    public nn.Embedding Embedding { get; }

    /// <summary>The layers, in order.</summary>
    public IReadOnlyList<Block> Layers => _layers;

    /// <summary>The last norm.</summary>
    public StreamNorm NormF { get; }

    /// <summary>The output projection.</summary>
    public Head Head { get; }

    /// <summary>Keep only the residual stream between layers and compute the rest again in the backward pass.</summary>
    public bool Recompute { get; set; }

    /// <summary>
    /// Ranks among which the positions of every sequence are divided: what this model is given then, and what it returns, are
    /// this rank's part. Null: whole sequences.
    /// </summary>
    /// <exception cref="NotSupportedException">A layer is no Mamba: attention needs all positions.</exception>
    public ContextParallel? Context
    {
        get;
        set => field = value is null || _layers.All(l => l.Mixer is MambaMixer)
            ? value
            : throw new NotSupportedException("positions can be divided among ranks where every layer is a Mamba: attention needs all of them");
    }

    /// <summary>Type of matrix products, and on a device with kernels of the activations; see <see cref="SetComputeType"/>.</summary>
    public ScalarType ComputeType { get; private set; } = float32;

    /// <summary>Whether several layers use the same weights, whose gradients come in parts where layers are recomputed.</summary>
    public bool SharesWeights => LayerStack.SharesWeights(_layers);

    /// <summary>Device of the parameters.</summary>
    public Device Device => Embedding.weight.device;

    /// <summary>Sets what each layer keeps for its backward pass, where it runs on a device with kernels.</summary>
    /// <param name="plan">One entry for each layer.</param>
    public void SetMemory(IReadOnlyList<LayerMemory> plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentOutOfRangeException.ThrowIfNotEqual(plan.Count, _layers.Count);
        for (int i = 0; i < plan.Count; i++)
        {
            _layers[i].Memory = plan[i];
        }
    }

    /// <summary>Sets the type of matrix products: single precision, or bfloat16.</summary>
    public void SetComputeType(ScalarType type)
    {
        ComputeType = type;
        foreach (Block b in _layers)
        {
            b.SetComputeType(type);
        }
    }

    /// <summary>Logits of each position.</summary>
    /// <param name="ids">int32 or int64 [batch, length].</param>
    /// <param name="sequenceIds">int32 [batch, length] that changes where another sequence begins, or null.</param>
    /// <returns>[batch, length, vocab].</returns>
    public Tensor forward(Tensor ids, Tensor? sequenceIds = null) => Logits(Strands(ids, sequenceIds));

    /// <summary>
    /// The loss of every objective: cross-entropy summed over the positions with a target, and with gradients what layers add
    /// (<see cref="SideLosses"/>) times the sum of the weights, so that it is part of the mean. On a device with kernels logits never
    /// exist as a tensor.
    /// </summary>
    /// <param name="ids">int32 or int64 [batch, length].</param>
    /// <param name="targets">int32 [batch, length]; negative: no target.</param>
    /// <param name="weights">f32 [batch, length], or null for 1 everywhere.</param>
    /// <param name="sequenceIds">int32 [batch, length] that changes where another sequence begins, or null.</param>
    /// <param name="scale">What the differentiable sum is multiplied by.</param>
    public LossTotals Loss(Tensor ids, Tensor targets, Tensor? weights = null, Tensor? sequenceIds = null, double scale = 1)
    {
        SideLosses? side = is_grad_enabled() ? new SideLosses() : null;
        LossTotals totals = HeadLoss(Strands(ids, sequenceIds, side), targets, weights, scale);
        return side?.Total() is { } more ? totals.Plus(more, scale) : totals;
    }

    private LossTotals HeadLoss(Tensor h, Tensor targets, Tensor? weights, double scale)
    {
        var options = new HeadOptions(Config.LogitCap, Config.ZLoss);
        if (KernelDevices.Of(h) is { } device
            && HeadLossKernels.Supports(Config.VocabSize, Config.DModel, Config.RcEquivariant ? 2 : 1, options))
        {
            var head = new DeviceHeadLoss(device, _complement32, targets, weights, scale, options);
            return new LossTotals(head.apply(h, Head.weight)[0]!, head.Numbers);
        }

        LossTotals totals = SequenceLoss.Compute(Logits(h), targets, weights, Config.ZLoss);
        return scale == 1 ? totals : totals.Times(scale);
    }

    /// <summary>The normalised output of the last layer.</summary>
    /// <param name="ids">int32 or int64 [batch, length].</param>
    /// <param name="sequenceIds">int32 [batch, length], or null.</param>
    /// <returns>
    /// [batch, length, d_model]; for equivariant models [batch, length, 2 d_model], the second half being the other strand's,
    /// reversed in length and channels, as the reference lays it out.
    /// </returns>
    public Tensor ForwardHidden(Tensor ids, Tensor? sequenceIds = null) => Hidden(Strands(ids, sequenceIds));

    /// <summary>What <see cref="ForwardHidden"/> and <see cref="Loss"/> give, from one pass through the layers; side losses of layers are left out.</summary>
    /// <param name="ids">int32 or int64 [batch, length].</param>
    /// <param name="targets">int32 [batch, length]; negative: no target.</param>
    /// <param name="weights">f32 [batch, length], or null for 1 everywhere.</param>
    /// <param name="sequenceIds">int32 [batch, length] that changes where another sequence begins, or null.</param>
    internal (Tensor Hidden, LossTotals Loss) HiddenAndLoss(Tensor ids, Tensor targets, Tensor? weights = null, Tensor? sequenceIds = null)
    {
        Tensor h = Strands(ids, sequenceIds);
        return (Hidden(h), HeadLoss(h, targets, weights, 1));
    }

    // The strands, which are batch entries in their own direction, side by side in the forward one's.
    private Tensor Hidden(Tensor h)
    {
        if (!Config.RcEquivariant)
        {
            return h;
        }

        Tensor[] s = h.chunk(2);
        return cat([s[0], s[1].flip(1, 2)], -1);
    }

    /// <summary>Logits of hidden states that <see cref="ForwardHidden"/> gave.</summary>
    public Tensor HeadOf(Tensor hidden)
    {
        ArgumentNullException.ThrowIfNull(hidden);
        if (!Config.RcEquivariant)
        {
            return Logits(hidden);
        }

        Tensor[] halves = hidden.chunk(2, -1);
        return Logits(cat([halves[0], halves[1].flip(1, 2)]));
    }

    /// <summary>True when every mixer is causal, so that the model can run position by position.</summary>
    public bool IsCausal => _layers.All(l => l.Mixer.IsCausal);

    /// <summary>The state before the first position.</summary>
    public ModelState initial_state(long batch) => new([.. _layers.Select(l => l.Mixer.initial_state(batch))]);

    /// <summary>Logits of one more position.</summary>
    /// <param name="ids">int32 or int64 [batch].</param>
    /// <param name="state">Updated in place.</param>
    /// <returns>[batch, vocab].</returns>
    public Tensor step(Tensor ids, ModelState state)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using DisposeScope scope = NewDisposeScope();
        return extend(ids.unsqueeze(1), state).squeeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>Logits of further positions of sequences whose earlier ones a state holds; no gradients.</summary>
    /// <param name="ids">int32 or int64 [batch, length], length at least 1.</param>
    /// <param name="state">Updated in place.</param>
    /// <returns>[batch, length, vocab]: what <see cref="forward"/> on the whole gives there, wherever it is cut.</returns>
    public Tensor extend(Tensor ids, ModelState state)
    {
        using DisposeScope scope = NewDisposeScope();
        return Logits(ExtendHidden(ids, state)).MoveToOuterDisposeScope();
    }

    /// <summary>The normalised output of the last layer at further positions of sequences whose earlier ones a state holds.</summary>
    /// <param name="ids">int32 or int64 [batch, length], length at least 1.</param>
    /// <param name="state">Updated in place.</param>
    /// <returns>[batch, length, d_model].</returns>
    public Tensor ExtendHidden(Tensor ids, ModelState state)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(state);
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Embed(ids);
        var context = new MixContext(Embedding: LayerStack.Embedding(_layers, x));
        Tensor? r = null;
        for (int i = 0; i < _layers.Count; i++)
        {
            (Tensor nextX, Tensor nextR) = _layers[i].extend(x, r, state.Layers[i], context);
            Free(x, nextR);
            Free(r, nextR);
            (x, r) = (nextX, nextR);
        }

        return NormF.Last(x, r).MoveToOuterDisposeScope();
    }

    // Hidden states with strands as batch entries: [batch, ...], or [2 batch, ...] with the other strands behind.
    private Tensor Strands(Tensor ids, Tensor? sequenceIds, SideLosses? side = null)
    {
        ArgumentNullException.ThrowIfNull(ids);
        sequenceIds = sequenceIds is null ? null : Segments(sequenceIds);
        if (_complement is not null)
        {
            sequenceIds = sequenceIds is null ? null : cat([sequenceIds, sequenceIds.flip(1)]);
        }

        if (Context is not null && sequenceIds is not null)
        {
            throw new NotSupportedException("packed rows cannot be divided among ranks by positions");
        }

        ContextShards? shards = Context is null ? null : new ContextShards(Context, ids.size(0));
        Tensor x = Embed(ids);
        if (Recompute && is_grad_enabled() && !x.requires_grad)
        {
            // With a frozen embedding nothing would reach the graph: recomputation differentiates what its input leads to.
            x.requires_grad = true;
        }

        Tensor? embedding = LayerStack.Embedding(_layers, x);
        Tensor? r = null;
        // On a device with kernels the layers see to it themselves.
        bool recompute = Recompute && is_grad_enabled() && KernelDevices.Of(x) is null;
        for (int i = 0; i < _layers.Count; i++)
        {
            var context = new MixContext(IsMirrored(i), sequenceIds, shards, side, embedding);
            (Tensor nextX, Tensor nextR) = recompute
                ? _layers[i].ForwardRecomputed(x, r, context)
                : _layers[i].forward(x, r, context);
            Free(x, nextR);
            Free(r, nextR);
            (x, r) = (nextX, nextR);
        }

        if (StrandsSwapped(_layers.Count))
        {
            Tensor[] s = (r! + x).chunk(2);
            (x, r) = (cat([s[1].flip(1, 2), s[0].flip(1, 2)]), null);
        }

        return NormF.Last(x, r);
    }

    // [batch, length] to [batch, length, d_model], with the other strands behind: [2 batch, ...].
    private Tensor Embed(Tensor ids)
    {
        if (KernelDevices.Of(Embedding.weight) is { } device && EmbeddingKernels.Supports(Config.VocabSize, Config.DModel))
        {
            return new DeviceEmbedding(device, ids.to(int32).contiguous(), _complement32, ComputeType).apply(Embedding.weight)[0]!;
        }

        if (_complement is not null)
        {
            Tensor other = _complement.index_select(0, ids.flip(1).reshape(-1).to(int64)).reshape(ids.size(0), ids.size(1));
            ids = cat([ids, other.to(ids.dtype)]);
        }

        return Embedding.forward(ids);
    }

    // Runs of equal ids numbered from 0, so that every mixer sees the same boundaries even where an id comes back.
    private static Tensor Segments(Tensor sequenceIds)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        long length = sequenceIds.size(1);
        Tensor first = zeros([sequenceIds.size(0), Math.Min(length, 1)], int32, sequenceIds.device);
        if (length < 2)
        {
            return first.MoveToOuterDisposeScope();
        }

        Tensor change = sequenceIds.narrow(1, 1, length - 1).ne(sequenceIds.narrow(1, 0, length - 1)).to(int32);
        return cat([first, change], 1).cumsum(1).to(int32).MoveToOuterDisposeScope();
    }

    // A layer's input, unless it lives on as the residual: from here on only the graph may need it.
    private static void Free(Tensor? t, Tensor kept)
    {
        if (t is not null && !ReferenceEquals(t, kept))
        {
            t.Dispose();
        }
    }

    private Tensor Logits(Tensor strands)
    {
        Tensor logits = Head.forward(strands);
        if (_complement is not null)
        {
            Tensor[] s = logits.chunk(2);
            logits = s[0] + s[1].flip(1).index_select(2, _complement);
        }

        return Capped(logits);
    }

    /// <summary>Logits within the cap of the configuration, if there is one: c tanh(l / c).</summary>
    internal Tensor Capped(Tensor logits) => Config.LogitCap == 0 ? logits : logits.div(Config.LogitCap).tanh().mul(Config.LogitCap);

    private static Tensor ComplementTensor(int vocab, ReadOnlySpan<int> complement)
    {
        if (complement.Length == 0)
        {
            throw new ArgumentException("an equivariant model needs the complement of each id", nameof(complement));
        }

        long[] map = new long[vocab];
        for (int i = 0; i < vocab; i++)
        {
            map[i] = i < complement.Length ? complement[i] : i;
        }

        return tensor(map);
    }
}

/// <summary>The states of all layers of a causal model.</summary>
public sealed class ModelState : IDisposable
{
    internal ModelState(MixerState[] layers) => Layers = layers;

    internal MixerState[] Layers { get; }

    /// <summary>Bytes that the states hold.</summary>
    public long Bytes => Layers.Sum(l => l.Bytes);

    /// <summary>A copy of one batch entry, with a lifetime of its own.</summary>
    internal ModelState Row(int row) => new(Array.ConvertAll(Layers, l => l.Row(row)));

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(Layers, l => l.Dispose());
}

/// <summary>The output projection: hidden [..., d_model] to logits [..., vocab].</summary>
public sealed class Head : nn.Module
{
    /// <summary>Creates the head.</summary>
    /// <param name="dModel">Width of the hidden states.</param>
    /// <param name="vocab">Number of logits.</param>
    /// <param name="tied">The embedding whose weight it shares, or null for a weight of its own.</param>
    public Head(int dModel, int vocab, nn.Embedding? tied)
    {
        IsTied = tied is not null;
        weight = register_parameter("weight", tied?.weight ?? new nn.Parameter(empty([vocab, dModel])));
    }

    /// <summary>[vocab, d_model].</summary>
    public nn.Parameter weight { get; }

    /// <summary>True when the weight is the embedding's.</summary>
    public bool IsTied { get; }

    /// <summary>hidden [..., d_model] to logits [..., vocab].</summary>
    public Tensor forward(Tensor hidden)
    {
        ArgumentNullException.ThrowIfNull(hidden);
        return nn.functional.linear(hidden.dtype == bfloat16 ? hidden.to(float32) : hidden, weight);
    }
}

/// <summary>A configuration that makes no model.</summary>
public sealed class ModelConfigException : Exception
{
    /// <summary>Lists the problems.</summary>
    public ModelConfigException(IReadOnlyList<string> problems)
        : base($"the model configuration is not valid\n  {string.Join("\n  ", problems)}") => Problems = problems;

    /// <summary>Each problem in one sentence.</summary>
    public IReadOnlyList<string> Problems { get; }

    internal static void ThrowIfAny(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        string[] problems = [.. config.Validate()];
        if (problems.Length > 0)
        {
            throw new ModelConfigException(problems);
        }
    }
}
