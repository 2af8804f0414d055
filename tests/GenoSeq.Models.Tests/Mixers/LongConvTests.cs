using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers.Convolution;
using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

/// <summary>The engines of convolution against plain sums in double precision, at odd lengths.</summary>
public sealed class LongConvTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 5)]
    [InlineData(3, 2)]
    [InlineData(37, 37)]
    [InlineData(129, 128)]
    [InlineData(131, 131)]
    [InlineData(257, 40)]
    public void Causal_AnyLength_IsThePlainSum(int length, int taps)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(length);
        (Tensor z, Tensor k) = (randn([2, length, 3], float64), randn([taps, 3], float64));
        Closeness.Check(Plain(z, k), LongConv.Causal(z, k), 1e-12, "double");
        Closeness.Check(Plain(z, k), LongConv.Causal(z.to(float32), k.to(float32)), 2e-6, "single");
    }

    [Theory]
    [InlineData(1, 7)]
    [InlineData(5, 7)]
    [InlineData(49, 7)]
    [InlineData(131, 40)]
    [InlineData(80, 2)]
    public void Fir_AnyLength_IsThePlainSum(int length, int taps)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(length);
        (Tensor z, Tensor h) = (randn([2, length, 6], float64), randn([3, taps], float64));
        Tensor k = h.t().unsqueeze(2).expand(taps, 3, 2).reshape(taps, 6);
        Closeness.Check(Plain(z, k), BlockedFir.Run(z, h, null), 1e-12, "blocks");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(30)]
    [InlineData(101)]
    public void ModalTaps_AnyLength_AreTheSumsOfExponentials(int length)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(length);
        var f = new ModalFilter(rand([2, 3], float64).neg(), randn([2, 3], float64), randn([2, 3], float64), randn([2, 3], float64));
        double[] r = f.LogRadius.ToArray<double>(), w = f.Angle!.ToArray<double>(), re = f.Re.ToArray<double>(), im = f.Im!.ToArray<double>();
        double[] expected = [.. Enumerable.Range(0, length).SelectMany(t => Enumerable.Range(0, 2).Select(c => Enumerable.Range(3 * c, 3)
            .Sum(n => Math.Exp(r[n] * t) * ((re[n] * Math.Cos(w[n] * t)) - (im[n] * Math.Sin(w[n] * t))))))];
        Closeness.Check(expected, f.Taps(length), 1e-12, "taps");
        Tensor z = randn([2, length + 600, 2], float64);
        Tensor state = zeros(ModalFilter.StateShape(2, 2, 3, true), float64);
        Tensor[] parts = [f.Further(z.narrow(1, 0, length), state), f.Further(z.narrow(1, length, 600), state)];
        Closeness.Check(LongConv.Causal(z, f.Taps(length + 600)), cat(parts, 1), 1e-10, "from a state");
    }

    /// <summary>The whole operator beyond the lengths that the reference was recorded at, the filter from its formula number by number.</summary>
    [Theory]
    [InlineData(131)]
    [InlineData(257)]
    public void Hyena_OddLengths_IsThePlainSum(int length)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        manual_seed(4);
        var config = new ModelConfig { DModel = 8, Layout = "hyena", Hyena = new HyenaConfig { LMax = 300 }, InitializerRange = 0.3 };
        var hyena = new Hyena(config);
        foreach ((_, nn.Parameter p) in hyena.named_parameters())
        {
            p.set_data(p.detach().to(float64));
        }

        Tensor x = randn([2, length, 24], float64);
        Tensor[] gates = Plain(x, hyena.ShortFilter.weight.squeeze(1).flip(1).t(), hyena.ShortFilter.bias).chunk(3, 2);
        Tensor z = gates[1] * gates[2];
        Tensor expected = gates[0] * (Plain(z, tensor(Filter(hyena, length, 300), length, 8)) + (z * hyena.Filter.bias));
        Closeness.Check(expected, hyena.forward(x, null, null), 1e-10, "hyena");
    }

    [Fact]
    public void Hyena_LongerThanItsFilter_IsRefused()
    {
        using DisposeScope scope = NewDisposeScope();
        var hyena = new Hyena(new ModelConfig { DModel = 8, Hyena = new HyenaConfig { LMax = 10 } });
        InvalidDataException e = Assert.Throws<InvalidDataException>(() => hyena.forward(zeros([1, 11, 24]), null, null));
        Assert.Contains("11 positions is longer than the 10", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(11, 12)]
    [InlineData(65537, 65610)]
    [InlineData(131072, 131072)]
    [InlineData(131073, 131220)]
    public void FftLength_AtLeast_IsTheNextOfSmallPrimes(long n, long expected) => Assert.Equal(expected, FftLength.AtLeast(n));

    [Theory]
    [InlineData("hyenadna-tiny-1k")]
    [InlineData("evo2-like-tiny")]
    public void Preset_FewSteps_LowersTheLoss(string preset)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(2);
        using SequenceModel model = ModelFile.Create(ModelPresets.Find(preset)!.Config);
        using var optimizer = new optim.AdamW([new optim.ParamGroup([.. model.named_parameters()], 0)], 0.003);
        Tensor ids = TestModels.Ids([.. Enumerable.Range(0, 2).Select(r => Enumerable.Range(r, 97).Select(t => 7 + (t * t % 5 % 4)).ToArray())]);
        Tensor targets = cat([ids.narrow(1, 1, 96), zeros([2, 1], int32).sub(1).to(int32)], 1);
        var losses = new List<double>();
        for (int step = 0; step < 6; step++)
        {
            using DisposeScope inner = NewDisposeScope();
            model.zero_grad();
            Tensor loss = model.Loss(ids, targets, scale: 1.0 / 192).Sum;
            loss.backward();
            optimizer.step();
            losses.Add(loss.item());
        }

        Assert.True(losses[^1] < 0.9 * losses[0], string.Join(' ', losses));
    }

    [Fact]
    public void LayerNorm_Mirrored_IsTheMirrorImage()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        var norm = new LayerNorm(12, 1e-5);
        norm.weight.normal_();
        norm.bias.normal_();
        (Tensor x, Tensor r) = (randn([2, 5, 12]), randn([2, 5, 12]));
        (Tensor y, Tensor sum) = norm.AddNorm(x, r, false);
        Tensor c = (x + r) - (x + r).mean([-1], true);
        Closeness.Check((c * c.square().mean([-1], true).add(1e-5).rsqrt() * norm.weight) + norm.bias, y, 1e-5, "norm");
        Closeness.Check(y.flip(2), norm.AddNorm(x.flip(2), r.flip(2), true).Normed, 1e-6, "mirrored");
        Closeness.Check(x + r, sum, 1e-7, "sum");
    }

    // y_t = sum_j k_j z_(t-j).
    private static Tensor Plain(Tensor z, Tensor k, Tensor? bias = null)
    {
        long length = z.size(1);
        Tensor y = zeros_like(z);
        for (long j = 0; j < Math.Min(length, k.size(0)); j++)
        {
            y.narrow(1, j, length - j).add_(z.narrow(1, 0, length - j) * k.select(0, j));
        }

        return bias is null ? y : y + bias;
    }

    private static double[] Filter(Hyena hyena, int length, int most)
    {
        Dictionary<string, double[]> p = hyena.Filter.named_parameters().ToDictionary(q => q.name, q => q.parameter.detach().contiguous().ToArray<double>());
        int width = p["bias"].Length, order = p["implicit_filter.1.freq"].Length;
        double[] result = new double[length * width];
        for (int t = 0; t < length; t++)
        {
            double angle = 2 * Math.PI * t / most;
            double[] h = [(double)t / (most - 1), Math.Cos(1e-4 * angle), Math.Cos(angle), -Math.Sin(1e-4 * angle), -Math.Sin(angle)];
            for (int layer = 0; layer <= 6; layer += 2)
            {
                double[] w = p[$"implicit_filter.{layer}.weight"], x = h;
                int outputs = layer == 6 ? width : order;
                h = [.. Enumerable.Range(0, outputs).Select(o => Enumerable.Range(0, x.Length).Sum(i => w[(o * x.Length) + i] * x[i])
                    + (layer == 6 ? 0 : p[$"implicit_filter.{layer}.bias"][o]))];
                h = layer == 6 ? h : [.. h.Select((v, o) => Math.Sin(p["implicit_filter.1.freq"][o] * v))];
            }

            for (int c = 0; c < width; c++)
            {
                double delta = Math.Log(0.01) * ((1 / 1.5) + (((1 / 0.3) - (1 / 1.5)) * c / (width - 1)));
                result[(t * width) + c] = h[c] * (Math.Exp(delta * t / (most - 1)) + 0.05);
            }
        }

        return result;
    }
}
