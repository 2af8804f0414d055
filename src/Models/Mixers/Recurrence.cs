using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>
/// One direction of a recurrent mixer, between its input and its output projection: what a family of mixers is.
/// <see cref="RecurrentMixer"/> makes a mixer of it, causal or bidirectional.
/// </summary>
/// <remarks>
/// The input is what in_proj gives, so that the two directions of a bidirectional mixer share one projection; the output is what
/// out_proj takes. Everything runs in the input's type; gates, decays and states at least in single precision.
/// </remarks>
public abstract class Recurrence : nn.Module
{
    /// <summary>Rows of in_proj; 0: there is none, and the input is the layer's own [batch, length, d_model].</summary>
    public abstract int InputWidth { get; }

    /// <summary>Columns of out_proj.</summary>
    public abstract int OutputWidth { get; }

    /// <summary>What one direction costs, in_proj and out_proj left out.</summary>
    public abstract MixerWork Work { get; }

    /// <summary>Bytes that the state of one sequence grows by with every position; 0: it does not grow.</summary>
    public virtual long GrowthBytes => 0;

    /// <summary>The state before the first position.</summary>
    /// <param name="batch">Sequences.</param>
    /// <param name="type">Single or double precision.</param>
    /// <param name="device">Where the parameters are.</param>
    public abstract RecurrentState initial_state(long batch, ScalarType type, Device device);

    /// <summary>Runs over a stretch of positions.</summary>
    /// <param name="x">[batch, length, <see cref="InputWidth"/>].</param>
    /// <param name="state">What to continue from, updated in place, without gradients; null: nothing.</param>
    /// <param name="sequenceIds">int32 [batch, length], a number of its own for each sequence, or null. Not together with a state.</param>
    /// <returns>[batch, length, <see cref="OutputWidth"/>].</returns>
    public abstract Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds);

    /// <summary>Runs over whole sequences in either direction.</summary>
    /// <param name="x">[batch, length, <see cref="InputWidth"/>].</param>
    /// <param name="sequenceIds">As in <see cref="forward"/>.</param>
    /// <param name="reverse">Read from the last position to the first; the result lies as x does.</param>
    /// <returns>[batch, length, <see cref="OutputWidth"/>].</returns>
    public virtual Tensor Read(Tensor x, Tensor? sequenceIds, bool reverse)
    {
        ArgumentNullException.ThrowIfNull(x);
        return reverse ? forward(x.flip(1), null, sequenceIds?.flip(1)).flip(1) : forward(x, null, sequenceIds);
    }

    /// <summary>Type of gates, decays and states beside an activation.</summary>
    protected static ScalarType StateType(Tensor x) => x.dtype == float64 ? float64 : float32;

    /// <summary>[batch, length, heads * width] as [batch, length, heads, width].</summary>
    protected static Tensor Heads(Tensor t, long heads) => t.reshape(t.size(0), t.size(1), heads, t.size(-1) / heads);

    /// <summary>[batch, length, heads, width] as [batch, length, heads * width].</summary>
    protected static Tensor Joined(Tensor t) => t.reshape(t.size(0), t.size(1), -1);

    /// <summary>A parameter in another tensor's type.</summary>
    protected static Tensor Cast(Tensor parameter, Tensor like) => parameter.dtype == like.dtype ? parameter : parameter.to(like.dtype);

    /// <summary>RMS norm over the last dimension, computed at least in single precision: x rsqrt(mean x^2 + eps) weight.</summary>
    protected static Tensor UnitRms(Tensor x, Tensor? weight, double eps)
    {
        Tensor wide = x.to(StateType(x));
        Tensor normed = wide * wide.square().mean([-1], true).add(eps).rsqrt();
        return (weight is null ? normed : normed * Cast(weight, normed)).to(x.dtype);
    }

    /// <summary>Each head's RMS norm times weight times silu(z), or sigmoid(z).</summary>
    /// <param name="y">[batch, length, heads, width].</param>
    /// <param name="z">[batch, length, heads * width].</param>
    /// <param name="weight">[width], or null.</param>
    /// <param name="eps">Of the norm.</param>
    /// <param name="silu">Else sigmoid.</param>
    /// <returns>[batch, length, heads * width].</returns>
    protected static Tensor GatedHeads(Tensor y, Tensor z, Tensor? weight, double eps, bool silu = true) => NormGate.Device(y, z, weight) is { } device
        ? NormGate.Run(device, y, z, weight, eps, silu)
        : Joined(UnitRms(y, weight, eps)) * (silu ? nn.functional.silu(z) : z.sigmoid());

    /// <summary>Added to the sum of squares where vectors are brought to length 1.</summary>
    private protected const double UnitEps = 1e-6;

    /// <summary>x over the last dimension brought to length 1, computed at least in single precision.</summary>
    protected static Tensor UnitLength(Tensor x)
    {
        Tensor wide = x.to(StateType(x));
        return (wide * wide.square().sum([-1], true).add(UnitEps).rsqrt()).to(x.dtype);
    }

    /// <summary>log sigmoid(x).</summary>
    protected static Tensor LogSigmoid(Tensor x) => nn.functional.softplus(x.neg()).neg();

    /// <summary>The position before each, zeros before a sequence's first.</summary>
    /// <param name="x">[batch, length, width].</param>
    /// <param name="last">x of the position before the first [batch, 1, width], overwritten by the last of x; or null.</param>
    /// <param name="sequenceIds">int32 [batch, length], or null.</param>
    protected static Tensor Earlier(Tensor x, Tensor? last, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        long length = x.size(1);
        Tensor first = last?.to(x.dtype).clone() ?? zeros_like(x.narrow(1, 0, 1));
        Tensor before = length == 1 ? first : cat([first, x.narrow(1, 0, length - 1)], 1);
        last?.copy_(x.narrow(1, length - 1, 1));
        return sequenceIds is null ? before : before * Engines.DiagonalScan.Continues(cat([sequenceIds.narrow(1, 0, 1), sequenceIds], 1), x.dtype);
    }

    /// <summary>A linear layer in the activation's type.</summary>
    protected static Tensor Linear(Tensor x, nn.Linear layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return Blocks.Gemm.Linear(x, Cast(layer.weight, x), layer.bias is null ? null : Cast(layer.bias, x), x.dtype);
    }

    /// <summary>A vector parameter outside weight decay.</summary>
    protected nn.Parameter Vector(string name, Tensor values) =>
        register_parameter(name, new nn.Parameter(values) { NoWeightDecay = true, KeepFloat32 = true });
}

/// <summary>What a recurrent mixer carries from one position to the next: tensors, of fixed size in all but those that keep their history.</summary>
public sealed class RecurrentState : MixerState
{
    private readonly Tensor[] _parts;

    private RecurrentState(Tensor[] parts) => _parts = parts;

    /// <summary>A state of zeros.</summary>
    /// <param name="type">Element type.</param>
    /// <param name="device">Device.</param>
    /// <param name="shapes">Shape of each part.</param>
    public RecurrentState(ScalarType type, Device device, params long[][] shapes) =>
        _parts = Array.ConvertAll(shapes, s => zeros(s, type, device).DetachFromDisposeScope());

    /// <summary>A part, in the order of the shapes.</summary>
    public Tensor this[int part] => _parts[part];

    /// <summary>Copies one batch entry of another state of the same shapes into one of this.</summary>
    /// <param name="entry">Batch entry that is overwritten.</param>
    /// <param name="from">The other state.</param>
    /// <param name="fromEntry">Its batch entry.</param>
    internal void CopyEntry(long entry, RecurrentState from, long fromEntry)
    {
        for (int i = 0; i < _parts.Length; i++)
        {
            _parts[i].select(0, entry).copy_(from._parts[i].select(0, fromEntry));
        }
    }

    // A part with one entry may be that of the whole batch, as Hyena's filter is.
    internal override MixerState Row(int row) =>
        new RecurrentState(Array.ConvertAll(_parts, p => p.narrow(0, Math.Min(row, p.size(0) - 1), 1).clone().DetachFromDisposeScope())) { Position = Position };

    /// <summary>Puts another tensor in a part's place; the state owns it from then on.</summary>
    /// <param name="part">Which part.</param>
    /// <param name="value">The new tensor.</param>
    public void Replace(int part, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        _parts[part].Dispose();
        _parts[part] = value.DetachFromDisposeScope();
    }

    /// <summary>Positions seen so far, for mixers whose state does not tell.</summary>
    public long Position { get; set; }

    /// <inheritdoc/>
    public override long Bytes => _parts.Sum(p => p.numel() * p.dtype.ElementSize());

    /// <summary>Numbers that the state holds.</summary>
    internal long Numbers => _parts.Sum(p => p.numel());

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Array.ForEach(_parts, p => p.Dispose());
        }
    }
}
