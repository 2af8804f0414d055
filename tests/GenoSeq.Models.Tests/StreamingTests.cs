using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>Position by position is the same as all at once.</summary>
public sealed class StreamingTests
{
    public static TheoryData<string, ModelConfig, bool> Models() => new()
    {
        { "mamba", TestModels.Causal("M", 3, 16), true },
        { "mamba, one tap", TestModels.Causal() with { Mamba = new MambaConfig { DConv = 1, DState = 3, Bias = true, ConvBias = false } }, true },
        { "attention", TestModels.Causal("A", 2, 16), false },
        { "grouped", TestModels.Causal("A", 2, 16) with { Attention = new AttentionConfig { NHead = 4, NKvHead = 2, Bias = true } }, false },
        { "windowed", Windowed(TestModels.Causal("A", 2, 16), 37), true },
        { "window of one", Windowed(TestModels.Causal("A", 2, 16), 1), true },
        { "hybrid", TestModels.Causal("M M A", 3, 16) with { Mlp = new MlpConfig { DFf = 24, Experts = 4, ExpertPeriod = 2 } }, false },
        { "shared block", Windowed(TestModels.Causal("M S", 4, 16), 16), true },
        { "chunks", TestModels.Causal("M H M", 3, 16), true },
        { "windowed hybrid", Windowed(TestModels.Causal("M M A", 4, 16), 64), true },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void Step_ThreeHundredPositions_IsForward(string name, ModelConfig config, bool constantState)
    {
        using SequenceModel model = TestModels.Build(config);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Assert.True(model.IsCausal);
        const int Length = 300;
        Tensor ids = TestModels.Ids(TestModels.Sequences(3, Length));
        Tensor expected = model.forward(ids);
        using ModelState state = model.initial_state(3);
        long bytes = state.Bytes;
        int owned = 0;
        var outputs = new Tensor[Length];
        for (int t = 0; t < Length; t++)
        {
            using Tensor at = ids.select(1, t);
            int before = scope.Count;
            outputs[t] = model.step(at, state);
            owned += scope.Count - before;
            Assert.True(!constantState || state.Bytes == bytes, $"{name}: the state grew at position {t}");
        }

        Closeness.Check(expected, stack(outputs, 1), 1e-5, name);
        Assert.True(constantState || state.Bytes > bytes, $"{name}: a full cache did not grow");
        Assert.True(owned <= Length + 1, $"{name}: steps left {owned - Length} tensors behind");
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Extend_CutAnywhere_IsForward(string name, ModelConfig config, bool constantState)
    {
        using SequenceModel model = TestModels.Build(config);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        long[] pieces = [1, 5, 64, 1, 97, 132];
        Tensor ids = TestModels.Ids(TestModels.Sequences(2, (int)pieces.Sum()));
        using ModelState state = model.initial_state(2);
        long bytes = state.Bytes;
        Tensor whole = cat([.. ids.split(pieces, 1).Select(p => model.extend(p, state))], 1);
        Closeness.Check(model.forward(ids), whole, 1e-5, name);
        Assert.Equal(constantState, state.Bytes == bytes);
    }

    [Fact]
    public void InitialState_Bidirectional_IsRefused()
    {
        foreach (string layout in new[] { "M", "A" })
        {
            using SequenceModel model = TestModels.Build(TestModels.Causal(layout) with { Bidirectional = true });
            Assert.False(model.IsCausal);
            NotSupportedException e = Assert.Throws<NotSupportedException>(() => model.initial_state(1));
            Assert.Contains("both sides", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Step_WithGradients_IsRefused()
    {
        using SequenceModel model = TestModels.Build(TestModels.Causal());
        using DisposeScope scope = NewDisposeScope();
        using ModelState state = model.initial_state(1);
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(() => model.step(tensor([7]), state));
        Assert.Contains("no_grad", e.Message, StringComparison.Ordinal);
    }

    private static ModelConfig Windowed(ModelConfig c, int window) =>
        c with { Attention = c.Attention with { NKvHead = 1, SlidingWindow = window } };
}
