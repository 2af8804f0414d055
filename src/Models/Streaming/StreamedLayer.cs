using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers;
using GenoSeq.Models.Mixers.Fused;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Streaming;

/// <summary>
/// One layer over sequences that are read chunk by chunk, exactly: what a scan and its convolution carry from one position to
/// the next is carried from chunk to chunk; everything else in a layer is local in time.
/// </summary>
/// <remarks>
/// A direction that reads as the chunks come carries its state along. One that reads against them must have been over the
/// chunks before, in its own order (<see cref="Prepare"/>), and what it had at each chunk is kept: [d_inner, d_state] and a few
/// positions of [d_inner] a chunk and batch entry. Chunks are the same in both. On a GPU what a direction has behind a long chunk is found
/// from the chunk's last positions in its order, if by these every state has forgotten what was before, which the kernels measure; from
/// the whole chunk otherwise.
/// </remarks>
public sealed class StreamedLayer : IDisposable
{
    /// <summary>Positions looked at first, about what the smallest step sizes of a fresh model need to be forgotten.</summary>
    private const long FirstReach = 1 << 14;

    private readonly Block _block;
    private readonly bool _mirrored;
    private readonly ScalarType _activation;
    private readonly long _batch;
    private readonly DeviceMambaParts? _parts;
    private readonly DeviceFlag? _felt;
    private readonly Dictionary<int, MambaState> _kept = [];
    private long _reach = ForcedReach > 0 ? ForcedReach : FirstReach;
    private (Tensor Sum, int Chunk, bool FromEnd)? _unsettled;
    private MambaState? _along;
    private MambaState? _ahead;
    private Tensor? _before;

    /// <summary>A layer at the beginning of its sequences.</summary>
    /// <param name="model">The model.</param>
    /// <param name="index">Which layer.</param>
    /// <param name="batch">Sequences side by side; of equivariant models each is one strand.</param>
    /// <exception cref="NotSupportedException">See <see cref="Obstacle"/>.</exception>
    public StreamedLayer(SequenceModel model, int index, long batch)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (Obstacle(model) is { } obstacle)
        {
            throw new NotSupportedException(obstacle);
        }

        (_block, _mirrored, _activation, _batch) = (model.Layers[index], model.IsMirrored(index), model.ActivationType, batch);
        _parts = _block.Mixer is MambaMixer mixer ? DeviceMambaParts.Of(mixer, _mirrored, _activation) : null;
        _felt = _parts is null || !ReadsBothWays(model, index) ? null : new DeviceFlag(((MambaMixer)_block.Mixer).Fwd.D.device);
    }

    /// <summary>As many positions of a chunk's end on this thread; 0: the usual. For tests.</summary>
    [field: ThreadStatic]
    internal static long ForcedReach { get; set; }

    /// <summary>Whether one of a layer's directions reads against the chunks, whatever their order.</summary>
    public static bool ReadsBothWays(SequenceModel model, int index)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Layers[index].Mixer is MambaMixer { Rev: not null };
    }

    /// <summary>Why a model's layers cannot be read in chunks, in one sentence; null where they can.</summary>
    public static string? Obstacle(SequenceModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        foreach (Block block in model.Layers)
        {
            if (block.Mixer is not (MambaMixer or AttentionMixer))
            {
                return $"a layer of {block.Mixer.GetType().Name} is not read in parts";
            }

            if (block.Mixer is AttentionMixer a && (!a.IsCausal || a.Window == 0))
            {
                return a.IsCausal
                    ? "attention without a sliding window needs all positions at once"
                    : "attention to both sides needs all positions at once";
            }
        }

        return null;
    }

    /// <summary>Embedding of a chunk, as a residual stream.</summary>
    /// <param name="model">The model.</param>
    /// <param name="ids">int32 or int64 [batch, length].</param>
    /// <param name="sum">[batch, length, d_model], single precision or the activations' type; filled.</param>
    public static void Embed(SequenceModel model, Tensor ids, Tensor sum)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(sum);
        using DisposeScope scope = NewDisposeScope();
        sum.copy_(model.EmbedStrand(ids));
    }

    /// <summary>A residual stream after the final norm.</summary>
    /// <param name="model">The model.</param>
    /// <param name="sum">[batch, length, d_model], contiguous.</param>
    public static Tensor Finish(SequenceModel model, Tensor sum)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.NormF.OfSum(sum, model.StrandsSwapped(model.Layers.Count), model.ActivationType);
    }

    /// <summary>
    /// Takes the direction that reads from the end, or the one that does not, over a chunk without making the layer's output, and
    /// keeps what it had before. Chunks come in that direction's order.
    /// </summary>
    /// <param name="sum">
    /// The residual stream that the layer reads [batch, length, d_model], contiguous; not changed. Its memory may be read once more when the next chunk is prepared.
    /// </param>
    /// <param name="chunk">Number of the chunk.</param>
    /// <param name="fromEnd">Chunks come from the last to the first.</param>
    public void Prepare(Tensor sum, int chunk, bool fromEnd)
    {
        if (_block.Mixer is not MambaMixer { Rev: not null } mixer)
        {
            return;
        }

        using DisposeScope scope = NewDisposeScope();
        _ahead ??= mixer.PartState(_batch);
        Settle(mixer);
        _kept[chunk] = _ahead.Copy();
        long length = sum.size(1);
        if (_felt is null || _batch > 1 || 2 * _reach > length)
        {
            CarryOver(mixer, sum, fromEnd);
            return;
        }

        long last = _reach + _ahead.Halo.size(1);
        Tensor end = _block.Norm.OfSum(sum.narrow(1, fromEnd ? 0 : length - last, last), _mirrored, _activation);
        _parts!.CarryEnd(end, Direction(mixer, fromEnd), _ahead, _felt.Clear());
        _felt.Send();
        // By the next chunk's turn nobody has changed it: the chunks' store lends its memory again with the chunk after that.
        _unsettled = (sum.alias().DetachFromDisposeScope(), chunk, fromEnd);
    }

    /// <summary>Runs the layer on a chunk.</summary>
    /// <param name="sum">
    /// The residual stream that the layer reads [batch, length, d_model], contiguous; the layer's output is added in place.
    /// </param>
    /// <param name="chunk">Number of the chunk; prepared against this order where the layer reads both ways.</param>
    /// <param name="fromEnd">Chunks come from the last to the first.</param>
    public void Apply(Tensor sum, int chunk, bool fromEnd)
    {
        ArgumentNullException.ThrowIfNull(sum);
        using DisposeScope scope = NewDisposeScope();
        Tensor n = _block.Norm.OfSum(sum, _mirrored, _activation);
        if (_block.Mixer is MambaMixer mixer)
        {
            _along ??= mixer.PartState(_batch);
            if (mixer.Rev is null)
            {
                Add(mixer, sum, n, [_along]);
            }
            else
            {
                using MambaState against = _kept.Remove(chunk, out MambaState? s)
                    ? s : throw new InvalidOperationException($"chunk {chunk} was not prepared");
                Add(mixer, sum, n, Direction(mixer, fromEnd) == 0 ? [_along, against] : [against, _along]);
            }
        }
        else
        {
            sum.add_(Attend((AttentionMixer)_block.Mixer, n));
        }

        if (_block.Mlp is not null)
        {
            sum.add_(_block.MlpOf(_block.Norm2!.OfSum(sum, _mirrored, _activation), _mirrored));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _along?.Dispose();
        _ahead?.Dispose();
        _before?.Dispose();
        _unsettled?.Sum.Dispose();
        _felt?.Dispose();
        _parts?.Dispose();
        foreach (MambaState state in _kept.Values)
        {
            state.Dispose();
        }

        _kept.Clear();
    }

    // Where the last chunk's end was not enough, the whole of it.
    private void Settle(MambaMixer mixer)
    {
        if (_unsettled is not { } last)
        {
            return;
        }

        _unsettled = null;
        using Tensor sum = last.Sum;
        if (_felt!.IsSet())
        {
            _reach *= 2;
            _ahead!.Set(_kept[last.Chunk]);
            CarryOver(mixer, sum, last.FromEnd);
        }
    }

    private void CarryOver(MambaMixer mixer, Tensor sum, bool fromEnd)
    {
        Tensor n = _block.Norm.OfSum(sum, _mirrored, _activation);
        if (_parts is null)
        {
            mixer.CarryOver(n, _mirrored, Direction(mixer, fromEnd), _ahead!);
        }
        else
        {
            _parts.Carry(n, Direction(mixer, fromEnd), _ahead!);
        }
    }

    private void Add(MambaMixer mixer, Tensor sum, Tensor n, MambaState[] states)
    {
        if (_parts is null)
        {
            mixer.AddPart(sum, n, _mirrored, states);
        }
        else
        {
            _parts.Add(sum, n, states);
        }
    }

    private int Direction(MambaMixer mixer, bool fromEnd) => Array.FindIndex(mixer.Directions(_mirrored), d => d.Reverse == fromEnd);

    // Positions that the chunk's first ones see stand before it once more; rotary angles count from wherever one begins.
    private Tensor Attend(AttentionMixer mixer, Tensor n)
    {
        Tensor all = _before is null ? n : cat([_before, n], 1);
        long own = n.size(1);
        long back = Math.Min(mixer.Window - 1, all.size(1));
        Tensor y = mixer.forward(all).narrow(1, all.size(1) - own, own);
        Tensor last = all.narrow(1, all.size(1) - back, back).clone().DetachFromDisposeScope();
        _before?.Dispose();
        _before = last;
        return y;
    }
}
