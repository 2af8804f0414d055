using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class GradModeTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void NoGradAndEnableGrad_Nested_RestoreWhatWas()
    {
        Tensor x = ones([1]).requires_grad_();
        Assert.True(is_grad_enabled());
        using (no_grad())
        {
            Assert.False((x * 2).requires_grad);
            using (enable_grad())
            {
                Assert.True((x * 2).requires_grad);
                using (enable_grad(false))
                {
                    Assert.False(is_grad_enabled());
                }

                Assert.True(is_grad_enabled());
            }

            Assert.False(is_grad_enabled());
        }

        Assert.True(is_grad_enabled());
    }

    [Fact]
    public void NoGrad_DisposedTwice_RestoresOnce()
    {
        IDisposable outer = no_grad();
        outer.Dispose();
        using (no_grad())
        {
            outer.Dispose();
            Assert.False(is_grad_enabled());
        }
    }

    [Fact]
    public void NoGrad_IsOfItsThread()
    {
        using IDisposable mode = no_grad();
        bool other = false;
        var thread = new Thread(() => other = is_grad_enabled());
        thread.Start();
        thread.Join();
        Assert.True(other);
    }

    [Fact]
    public void NoGrad_WhenAnExceptionPasses_IsEnded()
    {
        Assert.Throws<TorchException>(() =>
        {
            using IDisposable mode = no_grad();
            zeros([2]).matmul(zeros([3]));
        });
        Assert.True(is_grad_enabled());
    }

    [Fact]
    public void InferenceMode_WhatIsMade_CanNeverTakePart()
    {
        Tensor w = ones([1]).requires_grad_();
        Tensor made;
        using (inference_mode())
        {
            Assert.False(is_grad_enabled());
            using (inference_mode())
            {
                made = ones([1]);
            }

            Assert.False(is_grad_enabled());
            Assert.False((w * 2).requires_grad);
        }

        Assert.True(is_grad_enabled());
        Assert.True((w * 2).requires_grad);
        Assert.Equal(-1, made._version);
        var e = Assert.Throws<TorchException>(() => w * made);
        Assert.Contains("nference", e.Message, StringComparison.Ordinal);
        Assert.Throws<TorchException>(() => made.requires_grad_());
    }
}
