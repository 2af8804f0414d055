using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests.Mixers;

public sealed class SharedAttentionTests
{
    /// <summary>One set of weights for all depths; in double precision every gradient is the slope of the model that uses it twice.</summary>
    [Fact]
    public void Backward_TwoDepths_IsTheSlope()
    {
        using DisposeScope scope = NewDisposeScope();
        using SequenceModel model = TestModels.Build(TestModels.Causal("S M S", 3, 8) with { Shared = new SharedConfig { DFf = 6 } });
        Assert.Same(((SharedAttention)model.Layers[0].Mixer).Shared, ((SharedAttention)model.Layers[2].Mixer).Shared);
        Assert.DoesNotContain(model.named_parameters(), p => p.name.StartsWith("layers.2.mixer.shared", StringComparison.Ordinal));
        DoublePrecision.Of(model);
        Tensor ids = TestModels.Ids(TestModels.Sequences(2, 9));
        Tensor w = randn([2, 9, model.Config.VocabSize], float64);
        (model.forward(ids) * w).sum().backward();
        DoublePrecision.Slopes(model, () => (model.forward(ids) * w).sum().item());
    }

    /// <summary>Both strands, in a model whose strands change places at every layer.</summary>
    [Fact]
    public void Forward_BothStrands_IsMirrored()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        using SequenceModel model = TestModels.Build(TestModels.Caduceus(true, true, 3) with { Layout = "S M S", Attention = new AttentionConfig { NHead = 2 } });
        int[][] sequences = TestModels.Sequences(2, 17);
        int[][] others = [.. sequences.Select(s => s.Reverse().Select(Oracle.OracleModel.Complement).ToArray())];
        int[] map = [.. Enumerable.Range(0, model.Config.VocabSize).Select(Oracle.OracleModel.Complement)];
        Tensor back = model.forward(TestModels.Ids(others)).flip(1).index_select(2, tensor(map).to(int64));
        Closeness.Check(model.forward(TestModels.Ids(sequences)), back, 1e-5, "strands");
    }
}
