using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models;

/// <summary>Rows of the embedding on a device with kernels; of equivariant models the other strands' rows behind the first.</summary>
internal sealed class DeviceEmbedding(KernelDevice device, Tensor ids, Tensor? complement, ScalarType activation) : autograd.Function
{
    private long _vocab;

    protected override string Name => "Embedding";

    protected override Tensor?[] forward(Tensor?[] inputs)
    {
        _vocab = inputs[0]!.size(0);
        save_for_backward(ids, complement);
        return [EmbeddingKernels.Forward(device, ids, inputs[0]!.contiguous(), complement, activation)];
    }

    protected override Tensor?[] backward(Tensor?[] grad_outputs) =>
        [grad_outputs[0] is { } dx ? EmbeddingKernels.Backward(device, saved(0)!, _vocab, saved(1), dx.contiguous()) : null];
}
