using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class FunctionTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Apply_Backward_GivesTheGradientAndShowsItsName()
    {
        Tensor a = tensor<float>([1f, 2, 3]).requires_grad_();
        Tensor y = new Cube().apply(a)[0]!;
        Assert.Equal("Cube", y.grad_fn_name);
        Assert.True(y.requires_grad);
        y.sum().backward();
        Assert.Equal(new float[] { 3, 12, 27 }, a.grad!.ToArray<float>());
    }

    [Fact]
    public void Apply_FiniteDifferences_Agree()
    {
        manual_seed(0);
        Tensor x = randn([3, 4], float64).requires_grad_();
        Tensor w = randn([3, 4], float64);
        (new Cube().apply(x)[0]! * w).sum().backward();
        double[] g = x.grad!.ToArray<double>();
        double[] values = x.ToArray<double>();
        for (int k = 0; k < values.Length; k++)
        {
            const double h = 1e-5;
            double At(double v)
            {
                double[] moved = [.. values];
                moved[k] = v;
                return (new Cube().apply(tensor<double>(moved, 3, 4))[0]! * w).sum().ToDouble();
            }

            Assert.Equal((At(values[k] + h) - At(values[k] - h)) / (2 * h), g[k], 6);
        }
    }

    [Fact]
    public void Apply_ForwardThrows_TheSameExceptionComesOut()
    {
        var thrown = new InvalidTimeZoneException("forward");
        Tensor x = ones([1]).requires_grad_();
        var f = new Custom { Forward = (_, _) => throw thrown };
        Assert.Same(thrown, Assert.Throws<InvalidTimeZoneException>(() => f.apply(x)));
        Assert.True(is_grad_enabled());
    }

    [Fact]
    public void Apply_ForwardThrowsAfterSaving_FreesWhatItSaved()
    {
        Tensor x = ones([1]).requires_grad_();
        long live = DisposeScopeManager.Statistics.Live;
        var f = new Custom
        {
            Forward = (self, inputs) =>
            {
                self.Save(inputs);
                throw new InvalidTimeZoneException();
            },
        };
        Assert.Throws<InvalidTimeZoneException>(() => f.apply(x));
        Assert.Equal(live, DisposeScopeManager.Statistics.Live);
    }

    [Fact]
    public void Backward_Throws_SameTypeOnTheCallingThreadAndGradsUntouched()
    {
        var thrown = new InvalidTimeZoneException("backward");
        Tensor x = ones([1]).requires_grad_();
        var f = new Custom { Backward = (_, _) => throw thrown };
        Tensor y = f.apply(x)[0]!;
        var seen = Assert.Throws<InvalidTimeZoneException>(() => y.backward());
        Assert.Same(thrown, seen);
        Assert.Contains(nameof(FunctionTests), seen.StackTrace!, StringComparison.Ordinal);
        Assert.Null(x.grad);
        Assert.True(is_grad_enabled());
    }

    [Fact]
    public void Backward_ThrowsOnFourThreads_EachGetsItsOwn()
    {
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, k =>
        {
            for (int i = 0; i < 100; i++)
            {
                using DisposeScope scope = NewDisposeScope();
                string mine = $"thread {k} round {i}";
                Tensor x = ones([1]).requires_grad_();
                Tensor y = new Custom { Backward = (_, _) => throw new InvalidTimeZoneException(mine) }.apply(x)[0]!;
                Assert.Equal(mine, Assert.Throws<InvalidTimeZoneException>(() => y.backward()).Message);
            }
        });
    }

    [Fact]
    public void Backward_ThrowsInsideNestedCheckpoints_SameTypeComesOut()
    {
        var thrown = new InvalidTimeZoneException("deep");
        Tensor x = ones([1]).requires_grad_();
        Tensor[] y = utils.checkpoint.run(
            a => utils.checkpoint.run(
                b => [new Custom { Backward = (_, _) => throw thrown }.apply(b[0])[0]! * 2], a),
            x);
        Assert.Same(thrown, Assert.Throws<InvalidTimeZoneException>(() => y[0].backward()));
        Assert.Null(x.grad);

        // The engine is in order afterwards.
        (x * 3).backward();
        Assert.Equal(3, x.grad!.ToDouble());
    }

    [Fact]
    public void Backward_TorchErrorInside_KeepsItsOperator()
    {
        Tensor x = ones([2]).requires_grad_();
        var f = new Custom { Backward = (_, g) => [g[0]!.matmul(ones([3]))] };
        Tensor y = f.apply(x)[0]!.sum();
        Assert.Equal("aten::matmul", Assert.Throws<TorchException>(() => y.backward()).Operator);
    }

    [Fact]
    public void Backward_WrongNumberOrShapeOfGradients_IsRefused()
    {
        Tensor x = ones([2]).requires_grad_();
        Tensor two = new Custom { Backward = (_, g) => [g[0], g[0]] }.apply(x)[0]!.sum();
        Assert.Contains("2 gradients for 1 inputs", Assert.Throws<TorchException>(() => two.backward()).Message,
            StringComparison.Ordinal);
        Tensor shape = new Custom { Backward = (_, _) => [ones([3])] }.apply(x)[0]!.sum();
        Assert.Contains("invalid gradient", Assert.Throws<TorchException>(() => shape.backward()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void SeveralOutputs_UnusedOnesArriveAsNull()
    {
        Tensor x = tensor<float>([1f, 2]).requires_grad_();
        bool[]? arrived = null;
        var f = new Custom
        {
            Forward = (_, i) => [i[0]! * 2, i[0]! * 3, null, i[0]! * 4],
            Backward = (_, g) =>
            {
                arrived = Array.ConvertAll(g, t => t is not null);
                return [(g[0]! * 2) + (g[3]! * 4)];
            },
        };
        Tensor?[] y = f.apply(x);
        Assert.Null(y[2]);
        (y[0]! + y[3]!).sum().backward();
        Assert.Equal(new[] { true, false, false, true }, arrived);
        Assert.Equal(new float[] { 6, 6 }, x.grad!.ToArray<float>());
    }

    [Fact]
    public void Inputs_NeededIsToldAndNoGradientIsKeptForOthers()
    {
        Tensor a = ones([1]).requires_grad_();
        Tensor b = ones([1]);
        bool[]? needed = null;
        var f = new Custom
        {
            Forward = (_, i) => [i[0]! * i[1]!],
            Backward = (self, g) =>
            {
                needed = [self.Needs(0), self.Needs(1), self.Needs(2)];
                return [g[0]! * 5, g[0]! * 7, null];
            },
        };
        f.apply(a, b, null)[0]!.backward();
        Assert.Equal(new[] { true, false, false }, needed);
        Assert.Equal(5, a.grad!.ToDouble());
        Assert.Null(b.grad);
    }

    [Fact]
    public void NonDifferentiableOutput_HasNoHistory()
    {
        Tensor x = tensor<float>([3f, 1]).requires_grad_();
        var f = new Custom
        {
            Forward = (_, i) => [i[0]! * 2, i[0]!.argmax(0), i[0]! * 1],
            Differentiable = k => k == 0,
            Backward = (_, g) => [g[0]! * 2],
        };
        Tensor?[] y = f.apply(x);
        Assert.True(y[0]!.requires_grad);
        Assert.False(y[1]!.requires_grad);
        Assert.False(y[2]!.requires_grad);
        y[0]!.sum().backward();
        Assert.Equal(new float[] { 2, 2 }, x.grad!.ToArray<float>());
    }

    [Fact]
    public void IntegerOutputDeclaredDifferentiable_IsRefusedByNumber()
    {
        Tensor x = ones([2]).requires_grad_();
        var f = new Custom { Forward = (_, i) => [i[0]! * 2, i[0]!.argmax(0)] };
        var e = Assert.Throws<TorchException>(() => f.apply(x));
        Assert.Contains("output 1", e.Message, StringComparison.Ordinal);
        Assert.Contains("IsDifferentiable", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OutputThatIsAnInput_IsRefused()
    {
        Tensor x = ones([2]).requires_grad_();
        Tensor constant = ones([2]);
        Assert.Contains("one of the inputs",
            Assert.Throws<TorchException>(() => new Custom { Forward = (_, i) => [i[0]] }.apply(x)).Message,
            StringComparison.Ordinal);
        Assert.Throws<TorchException>(() => new Custom { Forward = (_, i) => [i[1]] }.apply(x, constant));
        Assert.True(x.is_leaf);
        Assert.False(constant.requires_grad);
        Assert.Contains("same tensor", Assert.Throws<TorchException>(() => new Custom
        {
            Forward = (_, i) =>
            {
                Tensor y = i[0]! * 2;
                return [y, y];
            },
        }.apply(x)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SavedTensor_ChangedInPlace_IsFound()
    {
        Tensor x = ones([2]).requires_grad_();
        Tensor z = x * 1;
        Tensor y = new Cube().apply(z)[0]!.sum();
        using (no_grad())
        {
            z.detach().add_(1);
        }

        var e = Assert.Throws<TorchException>(() => y.backward());
        Assert.Contains("Cube", e.Message, StringComparison.Ordinal);
        Assert.Contains("in place", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SavedOutput_IsKeptWithoutACycle()
    {
        Tensor x = tensor<float>([1f]).requires_grad_();
        var f = new Custom
        {
            Forward = (self, i) =>
            {
                Tensor y = i[0]!.exp();
                self.Save(y);
                return [y];
            },
            Backward = (self, g) => [g[0]! * self.Saved(0)!],
        };
        f.apply(x)[0]!.backward();
        Assert.Equal(Math.E, x.grad!.ToDouble(), 5);
    }

    [Fact]
    public void SecondBackward_IsRefusedClearlyAndRetainGraphAllowsIt()
    {
        Tensor x = tensor<float>([2f]).requires_grad_();
        Tensor y = new Cube().apply(x)[0]!;
        y.backward(retain_graph: true);
        y.backward(retain_graph: true);
        y.backward();
        Assert.Equal(36, x.grad!.ToDouble());
        var e = Assert.Throws<TorchException>(() => y.backward());
        Assert.Contains("Cube: backward ran a second time", e.Message, StringComparison.Ordinal);
        Assert.Contains("retain_graph", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SecondDerivative_IsRefusedNotSilentlyZero()
    {
        Tensor x = tensor<double>([2.0]).requires_grad_();
        Tensor y = new Cube().apply(x)[0]! * x;
        Tensor first = autograd.grad([y], [x], create_graph: true)[0]!;
        Assert.Equal(32, first.ToDouble(), 10);
        var e = Assert.Throws<TorchException>(() => autograd.grad([first], [x]));
        Assert.Contains("Cube has no second derivative", e.Message, StringComparison.Ordinal);
        Assert.Throws<TorchException>(() => first.backward());
    }

    [Fact]
    public void NoGradOrNothingRequired_MakesNoNodeAndKeepsNothing()
    {
        Tensor x = ones([1]).requires_grad_();
        long live = DisposeScopeManager.Statistics.Live;
        using (no_grad())
        {
            using Tensor y = new Cube().apply(x)[0]!;
            Assert.False(y.requires_grad);
            Assert.Equal("", y.grad_fn_name);
        }

        using (Tensor c = ones([1]))
        using (Tensor z = new Cube().apply(c)[0]!)
        {
            Assert.False(z.requires_grad);
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.Live);
    }

    private sealed class Cube : autograd.Function
    {
        protected override Tensor?[] forward(Tensor?[] inputs)
        {
            save_for_backward(inputs[0]);
            return [inputs[0]!.pow(3)];
        }

        protected override Tensor?[] backward(Tensor?[] grad_outputs) =>
            [grad_outputs[0]! * saved(0)!.square() * 3];
    }

    private sealed class Custom : autograd.Function
    {
        internal Func<Custom, Tensor?[], Tensor?[]> Forward { get; init; } = (_, i) => [i[0]! * 2];

        internal Func<Custom, Tensor?[], Tensor?[]> Backward { get; init; } = (_, g) => [g[0]! * 2];

        internal Func<int, bool> Differentiable { get; init; } = _ => true;

        internal void Save(params Tensor?[] tensors) => save_for_backward(tensors);

        internal Tensor? Saved(int k) => saved(k);

        internal bool Needs(int k) => NeedsInputGrad(k);

        protected override Tensor?[] forward(Tensor?[] inputs) => Forward(this, inputs);

        protected override Tensor?[] backward(Tensor?[] grad_outputs) => Backward(this, grad_outputs);

        protected override bool IsDifferentiable(int output) => Differentiable(output);
    }
}
