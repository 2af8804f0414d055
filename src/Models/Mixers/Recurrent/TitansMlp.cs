using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// Titans' neural memory with a deep memory (Behrouz et al. 2024, arXiv 2501.00663, section 3): for each head the memory is an MLP
/// M(k) = silu(k W_1) W_2 that learns to give v for k while it reads. The loss is |M(k_t) - v_t|^2 / 2 and, as in the paper's parallel form (section
/// 3.2), gradients are taken at the weights at the start of a chunk of c positions, <c>memory_chunk</c>; momentum and forgetting act at every
/// position: S_t = eta_t S_(t-1) - theta_t grad_t, W_t = (1 - alpha_t) W_(t-1) + S_t, y_t = M_(W_t)(q_t). Projections, convolution, gates and output are
/// those of <see cref="Titans"/>; theta is sigmoid(.) / c, so that a chunk of one key takes a step of at most one rate. A layer's gradient of one position is
/// shortened to a length of at most 1, which the paper does not say: without it nothing keeps the weights from growing past all bounds while they read,
/// with it they stay below theta / (alpha (1 - eta)).
/// </summary>
/// <remarks>
/// The gradient of a layer is an outer product, so inside a chunk W_t is never formed: what it gives is a product of scores as in attention (Sun et
/// al. 2024, "Learning to (Learn at Test Time)", the dual form), with the coefficients of <see cref="Momentum"/>. Chunks come one after the other.
/// In packed rows each sequence has chunks of its own, and positions come one after the other: long ones are slow.
/// </remarks>
public sealed class TitansMlp : ConvolvedRecurrence
{
    private readonly int _hidden;
    private readonly int _positions;

    /// <summary>Creates one direction: by default a head for 64 channels, hidden layers twice as wide as keys.</summary>
    public TitansMlp(ModelConfig config) : base(config, HeadShape.Of(config, 0, 1, 1))
    {
        ArgumentNullException.ThrowIfNull(config);
        (_hidden, _positions) = (2 * Shape.Key, config.Recurrent.MemoryChunk);
        GateBias = Vector("gate_bias", Titans.InitialGates(Shape.Count, 2));
        using DisposeScope scope = NewDisposeScope();
        MemoryIn = register_parameter("memory_in", new nn.Parameter(randn([Shape.Count, Shape.Key, _hidden]).mul(2 * Math.Pow(_hidden, -0.5))));
        MemoryOut = register_parameter("memory_out", new nn.Parameter(randn([Shape.Count, _hidden, Shape.Value]).mul(Math.Pow(_hidden, -0.5))));
    }

    /// <summary>Of forgetting, momentum and rate: [3, heads].</summary>
    public nn.Parameter GateBias { get; }

    /// <summary>W_1 before the first position: [heads, n, hidden].</summary>
    public nn.Parameter MemoryIn { get; }

    /// <summary>W_2 before the first position: [heads, hidden, p].</summary>
    public nn.Parameter MemoryOut { get; }

    /// <inheritdoc/>
    public override int InputWidth => Convolved + Shape.Values + (3 * Shape.Count);

    /// <inheritdoc/>
    public override MixerWork Work => DeepMemory.Work(Shape.Count, Shape.Key, _hidden, Shape.Value, _positions).Plus(ShortConv.Flops(Conv1d));

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device)
    {
        long[] first = [batch, Shape.Count, Shape.Key, _hidden], second = [batch, Shape.Count, _hidden, Shape.Value];
        // The convolution's inputs, the weights at the chunk's start, the weights, their momentum, positions of the chunk so far.
        var state = new RecurrentState(type, device, Halo(batch), first, second, first, second, first, second, [batch]);
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        for (int i = 1; i <= 3; i += 2)
        {
            state[i].copy_(MemoryIn);
            state[i + 1].copy_(MemoryOut);
        }

        return state;
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        ScalarType wide = StateType(x);
        Tensor[] parts = x.split([Convolved, Shape.Values, 3L * Shape.Count], 2);
        (Tensor q, Tensor k, Tensor v) = Convolve(parts[0], state?[0], sequenceIds);
        (Tensor keep, Tensor momentum, Tensor rate) = Titans.Gates(parts[2], GateBias);
        Tensor[] inputs = [q.to(wide), k.to(wide), v.to(wide), keep, momentum, rate * (1.0 / _positions)];
        long batch = x.size(0);
        (Tensor w1, Tensor w2) = (MemoryIn.to(wide).expand([batch, .. MemoryIn.shape]), MemoryOut.to(wide).expand([batch, .. MemoryOut.shape]));
        var fresh = new DeepMemory(w1, zeros_like(w1), w2, zeros_like(w2));
        DeepMemory.Carry carry = state is null
            ? new DeepMemory.Carry(w1, w2, fresh, zeros([batch], wide, x.device))
            : new DeepMemory.Carry(state[1], state[2], new DeepMemory(state[3], state[5], state[4], state[6]), state[7]);
        (Tensor y, carry) = sequenceIds is not null || x.size(1) == 1
            ? carry.Singly(inputs, _positions, sequenceIds, fresh)
            : carry.InChunks(inputs, _positions, state is null);
        if (state is not null)
        {
            Tensor[] now = [carry.AtIn, carry.AtOut, carry.Weights.In, carry.Weights.Out, carry.Weights.InMomentum, carry.Weights.OutMomentum, carry.Count];
            for (int i = 0; i < now.Length; i++)
            {
                state[i + 1].copy_(now[i]);
            }
        }

        return GatedHeads(y.to(x.dtype), parts[1], NormWeight, NormEps);
    }
}
