using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// Griffin's recurrent block with the real-gated linear recurrent unit (De et al. 2024, "Griffin", arXiv 2402.19427). in_proj gives x and a gate
/// z; x passes a short convolution. With block-diagonal W, r = sigmoid(W_a x + b_a), i = sigmoid(W_x x + b_x), log a = -8 r softplus(Lambda),
/// h_t = a_t h_(t-1) + sqrt(1 - a_t^2) (i_t x_t); the output is gelu(z) h.
/// </summary>
public sealed class RgLru : ChannelRecurrence
{
    private const double Power = 8;

    private readonly int _blocks;
    private readonly int _taps;

    /// <summary>Creates one direction: by default as many channels as the model has, gates in blocks of 64.</summary>
    public RgLru(ModelConfig config) : base(config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _blocks = Shape(config).Blocks;
        _taps = config.Recurrent.DConv;
        long block = Width / _blocks;
        Conv1d = register_module("conv1d", new DepthwiseConv(Width, _taps, true));
        using DisposeScope scope = NewDisposeScope();
        GateWeight = register_parameter("gate_weight", new nn.Parameter(randn([2, _blocks, block, block]).mul(Math.Pow(block, -0.5))));
        GateBias = Vector("gate_bias", zeros([2, Width]));
        // a^(1/r) uniform between 0.9 and 0.999: softplus(Lambda) = -log(a) / 8, as the paper starts.
        Tensor decay = rand([Width]).to(float64).mul(0.099).add(0.9).log().mul(-1 / Power);
        Lambda = Vector("lambda", (decay + (1 - decay.neg().exp()).log()).to(float32));
    }

    /// <summary>[channels, 1, taps] and [channels].</summary>
    public DepthwiseConv Conv1d { get; }

    /// <summary>Of r, then of i: [2, blocks, width, width].</summary>
    public nn.Parameter GateWeight { get; }

    /// <summary>[2, channels].</summary>
    public nn.Parameter GateBias { get; }

    /// <summary>[channels].</summary>
    public nn.Parameter Lambda { get; }

    /// <inheritdoc/>
    public override int InputWidth => 2 * Width;

    /// <inheritdoc/>
    public override MixerWork Work => base.Work.Plus(ShortConv.Flops(Conv1d) + (2 * GateWeight.numel()));

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, _taps - 1, Width], [batch, Width]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor[] parts = x.split([Width, Width], 2);
        Tensor u = ShortConv.Run(parts[0], Conv1d, state?[0], sequenceIds, silu: false);
        Tensor r = Gate(u, 0);
        Tensor logA = r * nn.functional.softplus(Lambda.to(r.dtype)) * -Power;
        // 1 - a^2 with what the difference would lose; never quite 0, where the root has no slope.
        Tensor rest = (1 - (logA * 2).exp()).clamp(min: 1e-6).sqrt();
        (Tensor h, Tensor last) = DiagonalScan.Run(logA.exp(), rest * Gate(u, 1) * u.to(r.dtype), state?[1], sequenceIds);
        state?[1].copy_(last);
        return h.to(x.dtype) * nn.functional.gelu(parts[1], "tanh");
    }

    internal static IEnumerable<string> Problems(ModelConfig config)
    {
        (int width, int blocks) = Shape(config);
        if (width % blocks != 0)
        {
            yield return $"n_head ({blocks}) must divide expand * d_model ({width}) in rg-lru";
        }
    }

    private Tensor Gate(Tensor u, long which)
    {
        Tensor logit = Gemm.Heads(Heads(u, _blocks), Cast(GateWeight, u).select(0, which)).reshape(u.shape).to(StateType(u));
        return (logit + GateBias.select(0, which).to(logit.dtype)).sigmoid();
    }

    private static (int Width, int Blocks) Shape(ModelConfig config)
    {
        int width = Math.Max(1, config.Recurrent.Expand) * config.DModel;
        int blocks = config.Recurrent.NHead > 0 ? config.Recurrent.NHead : Math.Max(1, width / 64);
        return (width, config.Recurrent.NHead == 0 && width % blocks != 0 ? 1 : blocks);
    }
}
