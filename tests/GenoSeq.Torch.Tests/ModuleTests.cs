using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class ModuleTests
{
    [Fact]
    public void NamedParameters_AreInOrderWithFullNamesAndTiedOnesOnce()
    {
        using var m = new Model();
        Assert.Equal(
            new[] { "scale", "embed.weight", "inner.proj.weight", "inner.proj.bias" },
            m.named_parameters().Select(p => p.name));
        Assert.Equal(
            new[] { "scale", "embed.weight", "inner.proj.weight", "inner.proj.bias", "head.weight" },
            m.named_parameters(remove_duplicate: false).Select(p => p.name));
        Assert.Equal(1 + (5 * 3) + 9 + 3, m.NumParameters);
        Assert.Equal(new[] { "embed", "inner", "head" }, m.named_children().Select(c => c.name));
    }

    [Fact]
    public void NamedBuffers_PersistentOnly_LeavesOutTheOthers()
    {
        using var m = new Model();
        Assert.Equal(new[] { "steps", "inner.cache" }, m.named_buffers().Select(b => b.name));
        Assert.Equal(new[] { "steps" }, m.named_buffers(persistentOnly: true).Select(b => b.name));
    }

    [Fact]
    public void TiedHead_SharesStorageAndGradient()
    {
        using DisposeScope scope = NewDisposeScope();
        using var m = new Model();
        Tensor h = m.Embed.forward(tensor<long>([1L, 4]));
        m.Head.forward(h).sum().backward();
        Assert.Same(m.Embed.weight, m.Head.weight);
        Assert.Equal(new long[] { 5, 3 }, m.Embed.weight.grad!.shape);
    }

    [Fact]
    public void TrainAndEval_ReachEveryModule()
    {
        using var m = new Model();
        Assert.True(m.training && m.Inner.training);
        m.eval();
        Assert.False(m.training || m.Inner.training || m.Inner.Proj.training);
        m.train();
        Assert.True(m.training && m.Inner.Proj.training);
    }

    [Fact]
    public void ZeroGrad_DropsAllGradients()
    {
        using DisposeScope scope = NewDisposeScope();
        using var m = new Model();
        m.forward(tensor<long>([1L, 2])).sum().backward();
        Assert.All(m.parameters(), p => Assert.NotNull(p.grad));
        m.zero_grad();
        Assert.All(m.parameters(), p => Assert.Null(p.grad));
    }

    [Fact]
    public void Parameters_AreLeavesOutsideScopes()
    {
        Model m;
        using (DisposeScope scope = NewDisposeScope())
        {
            m = new Model();
            Assert.All(m.parameters(), p => Assert.Null(p.Scope));
        }

        using (m)
        {
            Assert.All(m.parameters(), p => Assert.False(p.IsDisposed));
            Assert.All(m.parameters(), p => Assert.True(p is { is_leaf: true, requires_grad: true }));
            Assert.All(m.named_buffers(), b => Assert.False(b.buffer.IsDisposed));
        }
    }

    [Fact]
    public void Dispose_FreesParametersBuffersAndSubmodules()
    {
        DisposeStatistics before = DisposeScopeManager.Statistics;
        using (NewDisposeScope())
        {
            var m = new Model();
            m.Dispose();
            m.Dispose();
            Assert.True(m.Inner.Proj.weight.IsDisposed);
            Assert.True(m.Inner.Cache.IsDisposed);
        }

        Assert.Equal(before.Live, DisposeScopeManager.Statistics.Live);
    }

    [Fact]
    public void To_TheSameDevice_KeepsStorageAndGradients()
    {
        using DisposeScope scope = NewDisposeScope();
        using var m = new Model();
        m.forward(tensor<long>([1L, 2])).sum().backward();
        nint data = m.Inner.Proj.weight.data_ptr();
        m.to(Device.CPU);
        Assert.Equal(data, m.Inner.Proj.weight.data_ptr());
        Assert.NotNull(m.Inner.Proj.weight.grad);
    }

    [Theory]
    [InlineData("a.b")]
    [InlineData("")]
    [InlineData("proj")]
    public void Register_BadOrTakenName_IsRefused(string name)
    {
        using var m = new Part();
        Assert.ThrowsAny<ArgumentException>(() => m.Again(name));
    }

    [Fact]
    public void Parameter_TakesTheStorageAndLeavesTheGivenWrapper()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor source = ones([2]).requires_grad_() * 3;
        using var p = new nn.Parameter(source, requires_grad: false);
        Assert.Equal(source.data_ptr(), p.data_ptr());
        Assert.True(p.is_leaf);
        Assert.False(p.requires_grad);
        Assert.False(source.IsDisposed);
        Assert.Throws<TorchException>(() => new nn.Parameter(arange(0, 2)));
    }

    [Fact]
    public void Linear_Forward_IsXWTransposedPlusBias()
    {
        using DisposeScope scope = NewDisposeScope();
        using var l = new nn.Linear(2, 3, hasBias: true);
        using (no_grad())
        {
            l.weight.copy_(tensor<float>([1f, 2, 3, 4, 5, 6], 3, 2));
            l.bias!.copy_(tensor<float>([10f, 20, 30]));
        }

        Tensor y = l.forward(tensor<float>([1f, 1, 2, 0], 2, 1, 2));
        Assert.Equal(new long[] { 2, 1, 3 }, y.shape);
        Assert.Equal(new float[] { 13, 27, 41, 12, 26, 40 }, y.ToArray<float>());
        Assert.True(l.bias!.NoWeightDecay);
        Assert.False(l.weight.NoWeightDecay);
    }

    [Fact]
    public void Embedding_TakesIntegersOfBothWidths()
    {
        using DisposeScope scope = NewDisposeScope();
        using var e = new nn.Embedding(4, 2);
        float[] rows = e.weight.ToArray<float>();
        Assert.Equal(rows[6..8], e.forward(tensor<int>([3], 1)).ToArray<float>());
        Assert.Equal(rows[2..4], e.forward(tensor<long>([1L], 1)).ToArray<float>());
        Assert.Equal("aten::embedding", Assert.Throws<TorchException>(() => e.forward(ones([1]))).Operator);
    }

    private sealed class Model : nn.Module
    {
        internal Model()
        {
            Scale = register_parameter("scale", new nn.Parameter(ones([1])));
            Embed = register_module("embed", new nn.Embedding(5, 3));
            Inner = register_module("inner", new Part());
            Head = register_module("head", new TiedHead(Embed));
            register_buffer("steps", zeros([1]));
        }

        internal nn.Parameter Scale { get; }

        internal nn.Embedding Embed { get; }

        internal Part Inner { get; }

        internal TiedHead Head { get; }

        internal Tensor forward(Tensor ids) => Head.forward(Inner.Proj.forward(Embed.forward(ids)) * Scale);
    }

    private sealed class TiedHead : nn.Module
    {
        internal TiedHead(nn.Embedding table) => weight = register_parameter("weight", table.weight);

        internal nn.Parameter weight { get; }

        internal Tensor forward(Tensor x) => nn.functional.linear(x, weight);
    }

    private sealed class Part : nn.Module
    {
        internal Part()
        {
            Proj = register_module("proj", new nn.Linear(3, 3, hasBias: true));
            Cache = register_buffer("cache", zeros([2]), persistent: false);
        }

        internal nn.Linear Proj { get; }

        internal Tensor Cache { get; }

        internal void Again(string name) => register_module(name, Proj);
    }
}
