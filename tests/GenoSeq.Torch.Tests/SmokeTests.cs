using static GenoSeq.Torch.torch;

namespace GenoSeq.Torch.Tests;

public sealed class SmokeTests
{
    [Fact]
    public void Matmul_WithGradient_MatchesHand()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = tensor<float>([1f, 2, 3, 4], 2, 2).requires_grad_();
        Tensor b = tensor<float>([5f, 6, 7, 8], 2, 2);
        Tensor c = a.matmul(b);
        c.sum().backward();
        Assert.Equal(new float[] { 19, 22, 43, 50 }, c.ToArray<float>());
        Assert.Equal(new float[] { 11, 15, 11, 15 }, a.grad!.ToArray<float>());
    }

    [Fact]
    public void Function_BackwardInManagedCode_GivesGradient()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor a = tensor<float>([1f, 2, 3]).requires_grad_();
        Tensor y = new Cube().apply(a)[0]!;
        y.sum().backward();
        Assert.Equal(new float[] { 3, 12, 27 }, a.grad!.ToArray<float>());
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
}
