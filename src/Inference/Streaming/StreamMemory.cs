using GenoSeq.Models;
using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Streaming;

/// <summary>
/// What a forward pass takes, counted from the model's shape, and what follows: how many tokens go whole, and how long chunks are.
/// d = d_model, D = d_inner, bytes a row (one position of one strand).
/// </summary>
internal sealed class StreamMemory
{
    // Of a GPU: the driver's context, libraries' workspaces, weights, kernels' partial sums.
    private const long DeviceOverhead = 1000L << 20;
    private const long DefaultHost = 1L << 30;
    private const double DefaultShare = 0.7;

    /// <summary>Rows of a chunk on the host: more would leave the processor's caches.</summary>
    private const long HostChunkRows = 8192;

    /// <summary>Rows beyond which a GPU gains nothing.</summary>
    private const long DeviceChunkRows = 1 << 20;

    private readonly SequenceModel _model;
    private readonly bool _onDevice;

    internal StreamMemory(SequenceModel model, StreamOptions options)
    {
        _model = model;
        _onDevice = model.Device.Type == DeviceType.CUDA;
        StreamType = options.StreamType is float32 || model.ActivationType == float32 ? float32 : model.ActivationType;
        Limit = options.MemoryLimit > 0 ? options.MemoryLimit : !_onDevice ? DefaultHost : (long)(DefaultShare * cuda.mem_get_info(model.Device.Index).Free);
        Usable = _onDevice ? Math.Max(Limit / 4, Limit - DeviceOverhead) : Limit;
    }

    /// <summary>Type of the residual stream between layers.</summary>
    internal ScalarType StreamType { get; }

    /// <summary>Bytes that computing may take.</summary>
    internal long Limit { get; }

    /// <summary>The same without what is taken whatever the sequence.</summary>
    internal long Usable { get; }

    /// <summary>Rows of a batch that fit without chunks.</summary>
    internal long WholeRows => Math.Max(1, Usable / (WorkingBytes + (_model.Config.DModel * (4L + (2 * ActivationBytes)))));

    /// <summary>
    /// Rows of one long sequence that go without chunks: on a GPU layers work in chunks of their own then, so that only the streams
    /// between layers are as long as the sequence. Of very long ones chunks through sweeps are faster, however much memory there is.
    /// </summary>
    internal long WholeRowsOfOne => !_onDevice || _model.Layers.Any(l => l.Mixer is not Models.Mixers.MambaMixer)
        ? WholeRows
        : Math.Min(2 * DeviceChunkRows, Math.Max(WholeRows, (Usable - (Math.Min(Usable, 131072L * WorkingBytes))) / (_model.Config.DModel * (4L + (3 * ActivationBytes)))));

    /// <summary>Positions of a chunk of so many sequences side by side.</summary>
    internal int ChunkLength(int rows)
    {
        long tokens = Math.Clamp(Usable / 2 / (WorkingBytes + (4 * StreamBytes)), 64, _onDevice ? DeviceChunkRows : HostChunkRows);
        return (int)Math.Max(16, 1L << (63 - (int)long.LeadingZeroCount(Math.Max(1, tokens / rows))));
    }

    /// <summary>Bytes of a residual stream's row.</summary>
    internal long StreamBytes => (long)_model.Config.DModel * StreamType.ElementSize();

    /// <summary>Bytes of a row that a layer works with: normed input and output, xz, and for each direction u, step sizes and [dt, B, C]; or the MLP.</summary>
    internal long WorkingBytes
    {
        get
        {
            ModelConfig c = _model.Config;
            long d = c.DModel;
            long inner = c.LayerMixers().Contains(MixerFamilies.Mamba) ? c.Mamba.DInner(c.DModel) : 0;
            long directions = c.Bidirectional ? 2 : 1;
            long projected = 8 + c.Mamba.Rank(c.DModel) + (2 * c.Mamba.DState);
            long mixer = (3 * inner) + (directions * (inner + projected)) + (_onDevice ? 0 : inner);
            long attention = c.LayerMixers().Contains(MixerFamilies.Attention) ? 6L * c.Attention.NHead * c.Attention.HeadWidth(c.DModel) : 0;
            long mlp = 3L * (c.Mlp is { } m ? m.DFf * (m.Experts > 1 ? m.ExpertsPerToken : 1) : 0);
            return ActivationBytes * ((3 * d) + Math.Max(mixer, Math.Max(attention, mlp)));
        }
    }

    private int ActivationBytes => _model.ActivationType.ElementSize();
}
