using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

public sealed class PrecisionTests
{
    public static TheoryData<string, ModelConfig> Models() => new()
    {
        { "ps", TestModels.Caduceus(true, true, 2, 32) },
        { "ph with biases", TestModels.Caduceus(false, nLayer: 2, dModel: 32) with { Mamba = new MambaConfig { Bias = true } } },
        { "hybrid", TestModels.Causal("M A", 2, 32) with { Mlp = new MlpConfig { DFf = 48, Bias = true } } },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void SetComputeType_Bfloat16_StaysNearSinglePrecision(string name, ModelConfig config)
    {
        using SequenceModel model = TestModels.Build(config);
        using DisposeScope scope = NewDisposeScope();
        Tensor ids = TestModels.Ids(TestModels.Sequences(2, 60));
        (Tensor logits, Dictionary<string, Tensor> gradients) = Run(model, ids);
        model.SetComputeType(bfloat16);
        (Tensor rounded, Dictionary<string, Tensor> roundedGradients) = Run(model, ids);
        Assert.Equal(float32, rounded.dtype);
        Closeness.Check(logits, rounded, 2e-2, $"{name}: logits");
        Assert.False(logits.equal(rounded), $"{name}: nothing was rounded");
        foreach ((string parameter, Tensor g) in gradients)
        {
            double error = (g - roundedGradients[parameter]).norm().item() / g.norm().item();
            Assert.True(error < 0.1, $"{name}: gradient of {parameter} is off by {error:g3}");
        }

        model.SetComputeType(float32);
        Closeness.Bitwise(logits, Run(model, ids).Logits, $"{name}: back in single precision");
    }

    private static (Tensor Logits, Dictionary<string, Tensor> Gradients) Run(SequenceModel model, Tensor ids)
    {
        model.zero_grad();
        Tensor logits = model.forward(ids);
        SequenceLoss.Compute(logits, ids).Sum.backward();
        return (logits.detach(), model.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!.clone()));
    }
}
