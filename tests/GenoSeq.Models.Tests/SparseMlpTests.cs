using GenoSeq.Models.Blocks;
using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

public sealed class SparseMlpTests
{
    /// <summary>Hugging Face's load_balancing_loss_func: choices and probabilities of all layers and positions together.</summary>
    [Fact]
    public void RouterLoss_TwoLayers_IsThatOfAllTheirRouters()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(2);
        const int experts = 4, chosen = 2, width = 6, positions = 33;
        var config = new MlpConfig { DFf = 8, Experts = experts, ExpertsPerToken = chosen, RouterLoss = 0.5 };
        SparseMlp[] layers = [new(config, width), new(config, width)];
        var side = new SideLosses();
        var all = new List<double[]>();
        foreach (SparseMlp layer in layers)
        {
            Tensor x = randn([3, 11, width]);
            layer.forward(x, side);
            double[] p = nn.functional.linear(x.reshape(-1, width), layer.Router.weight).softmax(-1).to(float64).ToArray<double>();
            all.AddRange(p.Chunk(experts));
        }

        double expected = 0;
        for (int e = 0; e < experts; e++)
        {
            double share = all.Count(p => p.OrderDescending().Take(chosen).Contains(p[e])) / (double)(2 * positions);
            expected += share * all.Average(p => p[e]);
        }

        Tensor loss = side.Total()!;
        Assert.Equal(0.5 * experts * expected, loss.item(), 1e-6);
        loss.backward();
        Assert.True(layers[0].Router.weight.grad!.norm().item() > 0);
        Assert.Null(side.Total());
    }

    /// <summary>The balance is part of the mean loss whatever is recomputed, and of no evaluation.</summary>
    [Fact]
    public void Loss_RecomputedOrNot_HoldsTheBalance()
    {
        using SequenceModel model = TestModels.Build(TestModels.Causal("M A", 2, 16) with { Mlp = new MlpConfig { DFf = 24, Experts = 3, RouterLoss = 2 } });
        using DisposeScope scope = NewDisposeScope();
        (Tensor kept, Tensor slope) = Run(false);
        (Tensor again, Tensor recomputed) = Run(true);
        Closeness.Check(kept, again, 1e-6, "loss");
        Closeness.Check(slope, recomputed, 1e-5, "router");
        using IDisposable mode = no_grad();
        LossTotals plain = Loss();
        Assert.Equal(plain.LossSum, plain.Sum.item(), 1e-3);
        Assert.True(kept.item() > plain.LossSum + plain.WeightSum, "a balance of 2 E sum f p is at least 2 for each target");

        LossTotals Loss() => model.Loss(TestModels.Ids(TestModels.Sequences(3, 40)), TestModels.Ids(TestModels.Sequences(3, 40, seed: 8)));
        (Tensor, Tensor) Run(bool recompute)
        {
            model.zero_grad();
            model.Recompute = recompute;
            LossTotals totals = Loss();
            totals.Sum.backward();
            return (totals.Sum.detach(), ((SparseMlp)model.Layers[1].Mlp!).Router.weight.grad!.clone());
        }
    }

    /// <summary>An expert that nobody chose has gradients of zero, so that ranks and optimizers see the same parameters.</summary>
    [Fact]
    public void Forward_UnchosenExpert_HasZeroGradient()
    {
        using DisposeScope scope = NewDisposeScope();
        var mlp = new SparseMlp(new MlpConfig { DFf = 8, Experts = 3, ExpertsPerToken = 1 }, 4);
        nn.init.constant_(mlp.Router.weight, 0);
        using (no_grad())
        {
            mlp.Router.weight.select(0, 1).fill_(1);
        }

        mlp.forward(ones([2, 5, 4])).sum().backward();
        Assert.True(mlp.Experts[1].Gate.weight.grad!.norm().item() > 0);
        Assert.Equal(0, mlp.Experts[0].Gate.weight.grad!.norm().item());
        Assert.Equal(0, mlp.Experts[2].Down.weight.grad!.norm().item());
    }
}
