using GenoSeq.Models.Kernels;
using GenoSeq.Models.Losses;
using GenoSeq.Models.Mixers;
using static GenoSeq.Torch.torch;
using Kernel = GenoSeq.Models.Kernels.SwiGlu;

namespace GenoSeq.Models.Blocks;

/// <summary>The MLP of a layer: down(silu(gate(x)) * up(x)).</summary>
public sealed class SwiGlu : ChannelMlp
{
    private readonly nn.Linear _gate;
    private readonly nn.Linear _up;
    private readonly nn.Linear _down;

    /// <summary>Creates the MLP.</summary>
    /// <param name="config">Its settings.</param>
    /// <param name="dModel">Width of the residual stream.</param>
    public SwiGlu(MlpConfig config, int dModel)
    {
        ArgumentNullException.ThrowIfNull(config);
        _gate = register_module("gate_proj", new nn.Linear(dModel, config.DFf, config.Bias));
        _up = register_module("up_proj", new nn.Linear(dModel, config.DFf, config.Bias));
        _down = register_module("down_proj", new nn.Linear(config.DFf, dModel, config.Bias));
    }

    internal bool HasBias => _gate.bias is not null;

    internal nn.Linear Gate => _gate;

    internal nn.Linear Up => _up;

    internal nn.Linear Down => _down;

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, SideLosses? side = null)
    {
        Tensor gate = Gemm.Linear(x, _gate.weight, _gate.bias, ComputeType);
        Tensor up = Gemm.Linear(x, _up.weight, _up.bias, ComputeType);
        Tensor product = TensorRows.OnKernels(gate) && gate.numel() > 0 ? new GatedProduct().apply(gate, up)[0]! : nn.functional.silu(gate) * up;
        return Gemm.Linear(product, _down.weight, _down.bias, ComputeType);
    }

    private sealed unsafe class GatedProduct : autograd.Function
    {
        protected override Tensor?[] forward(Tensor?[] inputs)
        {
            (Tensor gate, Tensor up) = (inputs[0]!.contiguous(), inputs[1]!.contiguous());
            Tensor y = empty_like(gate);
            Kernel.Forward(Inputs(gate, up), Flat(y));
            save_for_backward(gate, up);
            return [y];
        }

        protected override Tensor?[] backward(Tensor?[] grad_outputs)
        {
            (Tensor gate, Tensor up) = (saved(0)!, saved(1)!);
            Tensor dgate = empty_like(gate);
            Tensor dup = empty_like(up);
            Kernel.Backward(Inputs(gate, up), new SwiGluGradients<float>
            {
                DOut = Flat(grad_outputs[0]!.contiguous()),
                DGate = Flat(dgate),
                DUp = Flat(dup),
            });
            return [dgate, dup];
        }

        private static SwiGluInputs<float> Inputs(Tensor gate, Tensor up) => new()
        {
            Batch = 1,
            Length = (int)(gate.numel() / gate.size(-1)),
            Channels = (int)gate.size(-1),
            Gate = Flat(gate),
            Up = Flat(up),
        };

        private static Rows<float> Flat(Tensor t) => new((float*)t.data_ptr(), t.size(-1), t.numel());
    }
}
