using System.Collections.Frozen;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Mixers;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Models.Mixers.Recurrent;

namespace GenoSeq.Models.Memory;

/// <summary>Bytes that one layer keeps and works with; the letters are those of <see cref="TrainingMemory"/>.</summary>
internal sealed class LayerSizes(ModelConfig config, PassShape shape)
{
    // Elements of d_model that a mixer keeps for each row where nothing is known of it: counted for Mamba-2 of libtorch's operators.
    private const long AnyElements = 32;

    // The same of mixers at default widths, one direction, from the peaks of training steps (bench/results/h100/families-2-layers.json): two layers that keep
    // this, and a working set of about half of it, which is counted as two thirds.
    private static readonly FrozenDictionary<string, int> s_elements = new Dictionary<string, int>
    {
        ["s4d"] = 7, ["lru"] = 14, ["rg-lru"] = 29, ["mingru"] = 12, ["minlstm"] = 22, ["hgrn"] = 17, ["mamba3"] = 19, ["retnet"] = 16, ["simple-gla"] = 7,
        ["linear-attention"] = 14, ["based"] = 30, ["mlstm"] = 10, ["gla"] = 11, ["hgrn2"] = 20, ["rwkv6"] = 36, ["deltanet"] = 16, ["gated-deltanet"] = 17,
        ["rwkv7"] = 49, ["titans"] = 18,
    }.ToFrozenDictionary();

    // Warps of the forward scan's segments on a large device, twice what it holds: 132 multiprocessors of 16.
    private const long SegmentWarps = 2 * 132 * 16;

    private readonly long _rows = (config.RcEquivariant ? 2 : 1) * shape.Batch * shape.Length;
    private readonly long _e = shape.ActivationBytes;
    private readonly long _directions = config.Bidirectional ? 2 : 1;

    // Final norm and head: the layer's output, the stream, its normalised form and that one's gradient, the stream's gradient.
    internal long HeadWorking => _rows * config.DModel * ((3 * _e) + 8);

    private long DInner => config.Mamba.DInner(config.DModel);

    // Rows of [dt, B, C].
    private long Projected => ((config.Mamba.Rank(config.DModel) + 7) / 8 * 8) + (2 * config.Mamba.DState);

    private long HeadsWidth => (long)config.Attention.NHead * config.Attention.HeadWidth(config.DModel);

    private long QkvWidth => HeadsWidth + (2L * config.Attention.KvHeads * config.Attention.HeadWidth(config.DModel));

    internal long Kept(string kind, LayerMemory memory, int layer) => Mixer(kind, memory) + config.Mlp switch
    {
        null => 0,
        { } m when m.IsSparse(layer) => (4 * _rows * config.DModel) + (memory < LayerMemory.Recompute ? Sparse(m) : 0),
        { } m => Mlp(m.DFf, memory),
    };

    internal long Working(string kind, LayerMemory memory, int layer)
    {
        // Normalised input and its gradient, the output's gradient and the input's; the stream's gradient.
        long streams = _rows * config.DModel * ((4 * _e) + 4);
        long mlp = config.Mlp switch
        {
            null => 0,
            { } m when m.IsSparse(layer) => 2 * Sparse(m),
            { } m => _rows * _e * 5 * m.DFf,
        };
        return streams + Math.Max(mlp, kind switch
        {
            MixerFamilies.Mamba => Mamba(memory),
            MixerFamilies.Attention => _rows * _e * ((2 * QkvWidth) + (3 * HeadsWidth)),
            Mamba2.LayoutName => 2 * Recurrent(kind),
            _ => IsMeasured(kind) ? Recurrent(kind) * 2 / 3 : 2 * Recurrent(kind),
        });
    }

    // A state of N numbers at each checkpoint.
    private long Checkpoint(LayerMemory memory) => DInner * config.Mamba.DState
        / (memory is LayerMemory.KeepDense or LayerMemory.KeepRows or LayerMemory.RecomputeTime ? ScanShape.DenseSteps : ScanShape.CheckpointSteps);

    private bool IsMeasured(string kind) => s_elements.ContainsKey(kind) && config.Recurrent is { DKey: 0, DValue: 0, Expand: 0 };

    private long Recurrent(string kind)
    {
        long elements = config.DModel * (IsMeasured(kind) ? _directions * s_elements[kind] : Math.Max(AnyElements, _directions * s_elements.GetValueOrDefault(kind)));
        if (kind == Mamba2.LayoutName)
        {
            Mamba2Shape numbers = Mamba2.Numbers(config);
            elements = numbers.Fits ? config.DModel + numbers.Kept(_directions, shape.ActivationBytes) : elements;
        }

        return _rows * _e * elements;
    }

    private long Mixer(string kind, LayerMemory memory)
    {
        long stream = 4 * _rows * config.DModel;
        if (kind is not (MixerFamilies.Mamba or MixerFamilies.Attention))
        {
            return stream + (memory <= LayerMemory.KeepScan ? Recurrent(kind) : 0);
        }

        bool mamba = kind == MixerFamilies.Mamba;
        long kept = mamba
            ? _e * _rows * ((_directions * (Projected + Checkpoint(memory))) + DInner)
            : _rows * ((_e * (QkvWidth + HeadsWidth)) + (4 * config.Attention.NHead));
        long anchors = mamba && memory is LayerMemory.KeepRows or LayerMemory.Recompute
            ? Segments + (memory == LayerMemory.Recompute ? 0 : _e * _rows * _directions * Projected) : 0;
        return stream + anchors + (memory <= LayerMemory.KeepScan ? kept : 0)
            + (memory <= LayerMemory.Keep && mamba ? 2 * _e * _rows * DInner : 0)
            + (memory <= LayerMemory.KeepAll && mamba ? _e * _rows * ((((2 * _directions) + 1) * DInner) + config.DModel) : 0);
    }

    // States at the ends of the segments of a scan that is computed again. Channels that fill the device have none.
    private long Segments
    {
        get
        {
            long batch = _rows / Math.Max(1, shape.Length);
            long channels = batch * DInner;
            return channels / 32 >= SegmentWarps / 2 ? 0
                : _directions * ScanSegments.BytesOfChannel * Math.Min(32 * SegmentWarps, channels * (shape.Length / 256));
        }
    }

    // What autograd keeps of a mixture of experts: rows in the experts' order, gate, up and their products; a quarter more for padding.
    private long Sparse(MlpConfig m) => _rows * _e * m.ExpertsPerToken * ((3 * config.DModel) + (4 * m.DFf)) * 5 / 4;

    private long Mlp(long dFf, LayerMemory memory) =>
        (4 * _rows * config.DModel) + (memory <= LayerMemory.Keep ? 2 * _e * _rows * dFf : 0);

    // In the scan's backward pass: xz and its gradient, the gate's gradient, and for each direction u, step sizes, their
    // gradients, rows of [dt, B, C] and theirs, and checkpoints; what is kept anyway counts there.
    private long Mamba(LayerMemory memory)
    {
        long rows = memory switch
        {
            LayerMemory.RecomputeTime => Math.Min(DeviceMambaLayer.ChunkTokens, shape.Length),
            <= LayerMemory.KeepAll => _rows,
            _ => Math.Min(_rows, Math.Max(1, DeviceMambaLayer.BackwardSliceTokens / Math.Max(1, shape.Length)) * shape.Length),
        };
        long directions = memory == LayerMemory.RecomputeTime ? 1 : _directions;
        long own = 3 + (memory <= LayerMemory.KeepScan ? 0 : Checkpoint(memory) / DInner) - (memory <= LayerMemory.KeepAll ? 2 : 0);
        long sets = ScanBackwardPlan.SetsFor(checked((int)DInner), ScanBackwardPlan.WarpsFor(checked((int)DInner)));
        long partials = directions * sets * 4 * rows * 2 * config.Mamba.DState;
        return (_e * rows * ((5 * DInner) + (directions * ((own * DInner) + (2 * Projected))))) + partials;
    }
}
