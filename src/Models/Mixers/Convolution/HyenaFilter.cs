using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Convolution;

/// <summary>
/// Hyena's implicit filter (Poli et al. 2023, section 3.3): h_t = (exp(tau delta) + shift) MLP(features(t)), with tau = t / (l_max - 1).
/// Features are tau and cos, sin of -2 pi f t / l_max for bands f; the MLP's activation is sin(freq x), with one trained freq for all of
/// its layers. Each channel has a delta between ln(0.01) / 1.5 and ln(0.01) / 0.3, and shift is 0.05.
/// </summary>
public sealed class HyenaFilter : nn.Module
{
    private const double FastDecay = 0.3, SlowDecay = 1.5, Target = 1e-2, Shift = 0.05;
    private readonly HyenaConfig _c;
    private readonly int _width;
    private readonly nn.ModuleList<nn.Module> _layers;

    /// <summary>Creates the filter.</summary>
    /// <param name="config">Its settings.</param>
    /// <param name="width">Channels.</param>
    /// <param name="initializerRange">Standard deviation of the MLP's initial weights.</param>
    public HyenaFilter(HyenaConfig config, int width, double initializerRange)
    {
        ArgumentNullException.ThrowIfNull(config);
        (_c, _width) = (config, width);
        using DisposeScope scope = NewDisposeScope();
        bias = register_parameter("bias", Kept(randn([width])));
        var sine = new Sine(config);
        List<nn.Module> layers = [new Layer(config.EmbDim, config.FilterOrder, true, initializerRange), sine];
        for (int i = 0; i < config.NumInnerMlps; i++)
        {
            layers.AddRange([new Layer(config.FilterOrder, config.FilterOrder, true, initializerRange), sine]);
        }

        layers.Add(new Layer(config.FilterOrder, width, false, initializerRange));
        _layers = register_module("implicit_filter", new nn.ModuleList<nn.Module>(layers));
    }

    /// <summary>The skip [channels].</summary>
    public nn.Parameter bias { get; }

    /// <summary>The factor inside the sines [1, filter_order].</summary>
    public nn.Parameter Freq => ((Sine)_layers[1]).freq;

    /// <summary>Number of the sines in the MLP, which share <see cref="Freq"/>.</summary>
    internal int Sines => 1 + _c.NumInnerMlps;

    /// <summary>The filter's first taps without window and skip, the MLP's output: [length, channels].</summary>
    /// <param name="length">Taps, at most l_max.</param>
    /// <param name="type">Single or double precision.</param>
    /// <exception cref="InvalidDataException">The sequence is longer than l_max.</exception>
    internal Tensor Raw(long length, ScalarType type)
    {
        if (length > _c.LMax)
        {
            throw new InvalidDataException($"a sequence of {length} positions is longer than the {_c.LMax} that this Hyena model's filters "
                + "are defined for (model.hyena.l_max); expected at most that many, so shorten the windows or take a model with a larger l_max");
        }

        Device device = bias.device;
        Tensor h = Features(length, type, device);
        foreach (nn.Module layer in _layers)
        {
            h = layer is Layer linear ? linear.forward(h) : ((Sine)layer).forward(h);
        }

        return h;
    }

    /// <summary>The window over the taps.</summary>
    internal Engines.TapWindow Window() => new(Deltas(bias.device).div(_c.LMax - 1), Shift);

    /// <summary>tau of positions [length], in double precision.</summary>
    internal Tensor Places(long length, Device device) => arange(0, length, 1, float64, device).div(_c.LMax - 1);

    /// <summary>Features of positions [length, emb_dim].</summary>
    internal Tensor Features(long length, ScalarType type, Device device)
    {
        int bands = (_c.EmbDim - 1) / 2;
        double step = bands > 1 ? (bands - 1 - 1e-4) / (bands - 1) : 0;
        Tensor frequency = arange(0, bands, 1, float64, device).mul(step).add(1e-4).mul(-2 * Math.PI / _c.LMax);
        Tensor angle = outer(arange(0, length, 1, float64, device), frequency);
        return cat([Places(length, device).unsqueeze(1), angle.cos(), angle.sin()], 1).to(type);
    }

    /// <summary>Decay of each channel over the whole of l_max, negative: [channels], in double precision.</summary>
    internal Tensor Deltas(Device device)
    {
        double first = Math.Log(Target) / SlowDecay, last = Math.Log(Target) / FastDecay;
        return arange(0, _width, 1, float64, device).mul(_width > 1 ? (last - first) / (_width - 1) : 0).add(first);
    }

    // The published recipe leaves filters alone in weight decay.
    private static nn.Parameter Kept(Tensor values) => new(values) { NoWeightDecay = true, KeepFloat32 = true };

    private sealed class Layer : nn.Module
    {
        internal Layer(int inputs, int outputs, bool hasBias, double range)
        {
            weight = register_parameter("weight", Kept(randn([outputs, inputs]).mul(range)));
            bias = hasBias ? register_parameter("bias", Kept(zeros([outputs]))) : null;
        }

        private nn.Parameter weight { get; }

        private nn.Parameter? bias { get; }

        internal Tensor forward(Tensor x) => nn.functional.linear(x, weight.to(x.dtype), bias?.to(x.dtype));
    }

    private sealed class Sine : nn.Module
    {
        internal Sine(HyenaConfig config) =>
            freq = register_parameter("freq", Kept(full([1, config.FilterOrder], config.ActivationFreq)));

        internal nn.Parameter freq { get; }

        internal Tensor forward(Tensor x) => (x * freq.to(x.dtype)).sin();
    }
}
