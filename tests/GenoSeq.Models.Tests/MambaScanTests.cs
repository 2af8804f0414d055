using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>The kernel path against the same computation out of libtorch's operators in double precision.</summary>
public sealed class MambaScanTests
{
    [Theory]
    [InlineData(true, false, 70, false)]
    [InlineData(true, true, 33, false)]
    [InlineData(true, true, 33, true)]
    [InlineData(false, true, 9, false)]
    [InlineData(false, false, 1, false)]
    public void Run_BothPaths_GiveTheSameValuesAndGradients(bool forward, bool reverse, int length, bool packed)
    {
        using MambaMixer mixer = Mixer(out Random random);
        using DisposeScope scope = NewDisposeScope();
        (MambaDirection, bool)[] directions = (forward, reverse) switch
        {
            (true, true) => [(mixer.Fwd, false), (mixer.Rev!, true)],
            (true, false) => [(mixer.Fwd, false)],
            _ => [(mixer.Rev!, reverse)],
        };
        Tensor? ids = packed ? tensor([.. Enumerable.Range(0, 3 * length).Select(i => (i % length) / (5 + (i / length)))], 3, length) : null;
        Tensor values = Random([3, length, 40], random);
        Tensor slope = Random([3, length, 20], random);
        Tensor x32 = values.clone().requires_grad_();
        Tensor y32 = MambaScan.Run(x32, null, ids, float32, directions);
        (y32 * slope).sum().backward();
        Dictionary<string, Tensor> g32 = Gradients(mixer);
        mixer.zero_grad();
        Tensor x64 = values.to(float64).requires_grad_();
        Tensor y64 = MambaScan.Run(x64, null, ids, float32, directions);
        Assert.Equal(float64, y64.dtype);
        (y64 * slope.to(float64)).sum().backward();
        Dictionary<string, Tensor> g64 = Gradients(mixer);
        Closeness.Check(y64, y32, 1e-5, "output");
        Closeness.Check(x64.grad!, x32.grad!, 2e-5, "gradient of xz");
        Assert.Equal(g64.Keys.Order(), g32.Keys.Order());
        Assert.Equal(7 * directions.Length, g64.Count);
        Assert.All(g64, g => Closeness.Check(g.Value, g32[g.Key], 2e-5, $"gradient of {g.Key}"));
    }

    [Theory]
    [InlineData(30)]
    [InlineData(60)]
    [InlineData(75)]
    public void Run_CutByBatchEntries_GivesTheSame(long sliceTokens)
    {
        using MambaMixer mixer = Mixer(out Random random);
        using DisposeScope scope = NewDisposeScope();
        Tensor values = Random([5, 30, 40], random);
        Tensor slope = Random([5, 30, 20], random);
        Tensor ids = tensor([.. Enumerable.Range(0, 150).Select(i => (i % 30) / (4 + (i / 30)))], 5, 30);
        (Tensor Y, Tensor X, Dictionary<string, Tensor> G) Run()
        {
            mixer.zero_grad();
            Tensor x = values.clone().requires_grad_();
            Tensor y = MambaScan.Run(x, null, ids, float32, (mixer.Fwd, false), (mixer.Rev!, true));
            (y * slope).sum().backward();
            return (y, x.grad!, Gradients(mixer));
        }

        (Tensor wholeY, Tensor wholeX, Dictionary<string, Tensor> whole) = Run();
        long before = MambaScan.SliceTokens;
        MambaScan.SliceTokens = sliceTokens;
        try
        {
            (Tensor y, Tensor x, Dictionary<string, Tensor> g) = Run();
            Closeness.Check(wholeY, y, 1e-6, "output");
            Closeness.Check(wholeX, x, 1e-6, "gradient of xz");
            Assert.All(whole, w => Closeness.Check(w.Value, g[w.Key], 2e-6, $"gradient of {w.Key}"));
        }
        finally
        {
            MambaScan.SliceTokens = before;
        }
    }

    private static MambaMixer Mixer(out Random random)
    {
        random = new Random(5);
        var mixer = new MambaMixer(new MambaConfig { DState = 5, DtRank = 3 }, 10, bidirectional: true);
        foreach ((string name, nn.Parameter p) in mixer.named_parameters())
        {
            foreach (ref float v in p.AsSpan<float>())
            {
                v += 0.2f * (float)TestModels.Normal(random);
            }
        }

        return mixer;
    }

    private static Tensor Random(long[] size, Random random) =>
        tensor<float>(Enumerable.Range(0, (int)size.Aggregate(1L, (a, b) => a * b)).Select(_ => (float)TestModels.Normal(random)).ToArray(), size);

    private static Dictionary<string, Tensor> Gradients(MambaMixer mixer)
    {
        var result = new Dictionary<string, Tensor>();
        foreach ((string name, nn.Parameter p) in mixer.named_parameters())
        {
            if (p.grad is { } g)
            {
                result.Add(name, g.clone());
            }
        }

        return result;
    }
}
