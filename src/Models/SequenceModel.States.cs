using GenoSeq.Models.Blocks;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models;

public sealed partial class SequenceModel
{
    /// <summary>Type of the activations between layers.</summary>
    public ScalarType ActivationType => EmbeddingKernel is null ? float32 : ComputeType;

    /// <summary>
    /// Whether the two strands of an equivariant model have changed places an odd number of times before a layer: then a
    /// strand's states after so many layers are what was computed of the other strand, reversed in length and channels.
    /// </summary>
    /// <param name="layers">Number of layers.</param>
    public bool StrandsSwapped(int layers) => Config.RcpsSwapHalves && layers % 2 == 1;

    /// <summary>States of one strand's ids after chosen layers, without gradients.</summary>
    /// <param name="ids">int32 or int64 [batch, length]; of equivariant models too, each row is one strand in its own direction.</param>
    /// <param name="sequenceIds">int32 [batch, length] that changes where another sequence begins, or null.</param>
    /// <param name="wanted">
    /// Numbers of layers: 0 for the embedding, n_layer for the last layer's output after the final norm, others for the
    /// residual stream, as Hugging Face counts hidden states.
    /// </param>
    /// <param name="take">Gets each, ascending: [batch, length, d_model], valid during the call only.</param>
    public void VisitStates(Tensor ids, Tensor? sequenceIds, IReadOnlyCollection<int> wanted, Action<int, Tensor> take)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(wanted);
        ArgumentNullException.ThrowIfNull(take);
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        sequenceIds = sequenceIds is null ? null : Segments(sequenceIds);
        Tensor x = EmbedStrand(ids);
        Tensor? embedding = LayerStack.Embedding(_layers, x);
        Tensor? r = null;
        if (wanted.Contains(0))
        {
            take(0, x);
        }

        int last = wanted.Max();
        for (int i = 0; i < last; i++)
        {
            (Tensor nextX, Tensor nextR) = _layers[i].forward(x, r, new MixContext(IsMirrored(i), sequenceIds, Embedding: embedding));
            Free(x, nextR);
            Free(r, nextR);
            (x, r) = (nextX, nextR);
            if (i + 1 < _layers.Count && wanted.Contains(i + 1))
            {
                using Tensor sum = r + x;
                take(i + 1, sum);
            }
        }

        if (last == _layers.Count)
        {
            take(last, NormF.Last(x, r, StrandsSwapped(last)));
        }
    }

    /// <summary>Rows of the embedding [batch, length, d_model] of one strand's ids.</summary>
    internal Tensor EmbedStrand(Tensor ids) => EmbeddingKernel is { } device
        ? EmbeddingKernels.Forward(device, ids.to(int32).contiguous(), Embedding.weight.contiguous(), null, ComputeType)
        : Embedding.forward(ids);

    /// <summary>
    /// Before layer i the strands have changed places i times, and change once more: with an odd number of changes the stored
    /// tensors are the mirror images of the slots.
    /// </summary>
    internal bool IsMirrored(int layer) => Config.RcpsSwapHalves && layer % 2 == 0;

    private KernelDevice? EmbeddingKernel =>
        EmbeddingKernels.Supports(Config.VocabSize, Config.DModel) ? KernelDevices.Of(Embedding.weight) : null;
}
