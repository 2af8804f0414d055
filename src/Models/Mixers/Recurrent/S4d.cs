using GenoSeq.Models.Mixers.Engines;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers.Recurrent;

/// <summary>
/// S4D (Gu et al. 2022, "On the Parameterization and Initialization of Diagonal State Space Models", arXiv 2206.11893), initialised as S4D-Lin.
/// in_proj gives u; each channel has N complex states, A_n = -exp(log_A_real) + i A_imag (at first -1/2 + i pi n), a step dt = exp(log_dt), B = 1:
/// with zero-order hold h_t = exp(dt A) h_(t-1) + u_t, y_t = 2 Re sum_n C_n (exp(dt A_n) - 1) / A_n h_nt + D u_t; the output is gelu(y).
/// </summary>
/// <remarks>
/// Nothing depends on the position, so within a chunk y is a convolution with K_l = 2 Re sum_n C'_n exp(l dt A_n): a triangular Toeplitz
/// matrix a channel, and two more matrices for what enters and what leaves the chunk. Where several sequences share a row, chunks are single positions.
/// </remarks>
public sealed class S4d : ChannelRecurrence
{
    private readonly int _states;
    private readonly int _chunk;

    /// <summary>Creates one direction: by default as many channels as the model has, 32 complex states each (64 real ones).</summary>
    public S4d(ModelConfig config) : base(config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _states = config.Recurrent.DKey > 0 ? config.Recurrent.DKey : 32;
        _chunk = config.Recurrent.Chunk;
        using DisposeScope scope = NewDisposeScope();
        LogDt = Vector("log_dt", StepSizes.Uniform([Width], config.Recurrent.DtMin, config.Recurrent.DtMax).to(float32));
        LogAReal = Vector("log_A_real", full([Width, _states], Math.Log(0.5)));
        AImag = Vector("A_imag", arange(0, _states).to(float32).mul(Math.PI).expand(Width, _states).contiguous());
        C = register_parameter("C", new nn.Parameter(randn([2, Width, _states]).mul(Math.Sqrt(0.5))));
        D = Vector("D", randn([Width]));
    }

    /// <summary>[channels].</summary>
    public nn.Parameter LogDt { get; }

    /// <summary>[channels, N].</summary>
    public nn.Parameter LogAReal { get; }

    /// <summary>[channels, N].</summary>
    public nn.Parameter AImag { get; }

    /// <summary>Real parts, then imaginary parts: [2, channels, N].</summary>
    public nn.Parameter C { get; }

    /// <summary>The skip [channels].</summary>
    public nn.Parameter D { get; }

    /// <inheritdoc/>
    public override int InputWidth => Width;

    /// <inheritdoc/>
    public override MixerWork Work => ComplexChunks(Width, _states, _chunk);

    /// <inheritdoc/>
    public override RecurrentState initial_state(long batch, ScalarType type, Device device) =>
        new(type, device, [batch, 2L * Width * _states]);

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, RecurrentState? state, Tensor? sequenceIds)
    {
        ArgumentNullException.ThrowIfNull(x);
        Tensor u = x.to(StateType(x));
        (long batch, long length) = (x.size(0), x.size(1));
        long size = sequenceIds is null ? Math.Min(_chunk, length) : 1;
        Tensor first = state?[0] ?? zeros([batch, 2L * Width * _states], u.dtype, u.device);
        Tensor dt = LogDt.to(u.dtype).exp().unsqueeze(1);
        (Tensor re, Tensor im) = (LogAReal.to(u.dtype).exp().neg(), AImag.to(u.dtype));
        (Tensor cr, Tensor ci) = Held(C, re, im, dt);
        if (length == 1 && sequenceIds is null)
        {
            return Step(u, first, state, (re * dt, im * dt), (cr, ci)).to(x.dtype);
        }

        long positions = SegmentedRecurrence.Positions(batch * Width * Math.Max(2, 2 * _states / size), size);
        (Tensor y, Tensor last) = SegmentedRecurrence.Run((t, s, i, c) => Chunks(t[0], s, i, c, size), [u], first, sequenceIds, positions,
            re * dt, im * dt, cr, ci);
        state?[0].copy_(last);
        return nn.functional.gelu((y + (u * D.to(u.dtype))).to(x.dtype));
    }

    // In a chunk of C the Toeplitz matrix, what enters and what leaves it, and the states' complex product and sum a chunk; a step's complex product with
    // a real u, and twice the real part of C h.
    private static MixerWork ComplexChunks(long width, long states, long chunk) => new(
        length => width * ((2.0 * Math.Min(chunk, length)) + (states * (8 + (RotatingScan.Flops / Math.Min(chunk, length))))),
        _ => 11.0 * width * states);

    // One position u [batch, 1, channels] is the recurrence as it stands, of all channels and states at once.
    private Tensor Step(Tensor u, Tensor before, RecurrentState? state, (Tensor Re, Tensor Im) a, (Tensor Re, Tensor Im) c)
    {
        Tensor radius = a.Re.exp();
        (Tensor er, Tensor ei) = (radius * a.Im.cos(), radius * a.Im.sin());
        Tensor h = before.reshape(u.size(0), 2, Width, _states);
        (Tensor hr, Tensor hi) = (h.select(1, 0), h.select(1, 1));
        (hr, hi) = ((hr * er) - (hi * ei) + u.select(1, 0).unsqueeze(-1), (hr * ei) + (hi * er));
        state?[0].copy_(stack([hr, hi], 1).flatten(1));
        Tensor y = ((hr * c.Re) - (hi * c.Im)).sum([-1]).mul(2).unsqueeze(1);
        return nn.functional.gelu(y + (u * D.to(u.dtype)));
    }

    /// <summary>C (exp(dt A) - 1) / A, real and imaginary parts [channels, N], of C [2, channels, N].</summary>
    internal static (Tensor Re, Tensor Im) Held(Tensor c, Tensor re, Tensor im, Tensor dt)
    {
        Tensor grown = (re * dt).exp();
        (Tensor er, Tensor ei) = ((grown * (im * dt).cos()) - 1, grown * (im * dt).sin());
        Tensor square = re.square() + im.square();
        (Tensor qr, Tensor qi) = (((er * re) + (ei * im)) / square, ((ei * re) - (er * im)) / square);
        (Tensor cr, Tensor ci) = (c.select(0, 0).to(re.dtype), c.select(0, 1).to(re.dtype));
        return ((cr * qr) - (ci * qi), (cr * qi) + (ci * qr));
    }

    private (Tensor Y, Tensor State) Chunks(Tensor u, Tensor state, Tensor? ids, Tensor[] parameters, long size)
    {
        (long batch, long length) = (u.size(0), u.size(1));
        long chunks = (length + size - 1) / size;
        // A shorter last chunk would leave another state: it has a length of its own.
        if (length % size != 0 && length > size)
        {
            long whole = length / size * size;
            (Tensor head, Tensor between) = Chunks(u.narrow(1, 0, whole), state, ids, parameters, size);
            (Tensor tail, Tensor last) = Chunks(u.narrow(1, whole, length - whole), between, ids, parameters, length - whole);
            return (cat([head, tail], 1), last);
        }

        size = Math.Min(size, length);
        // exp(l dt A) for l = 0 .. C: [channels, N, C + 1]; angles in double precision, as they grow with l.
        Tensor powers = arange(0, size + 1, 1, float64, u.device);
        Tensor radius = (parameters[0].unsqueeze(-1) * powers).exp();
        Tensor angle = parameters[1].unsqueeze(-1) * powers;
        (Tensor er, Tensor ei) = ((radius * angle.cos()).to(u.dtype), (radius * angle.sin()).to(u.dtype));
        (Tensor cr, Tensor ci) = (parameters[2].unsqueeze(-1), parameters[3].unsqueeze(-1));
        (Tensor readRe, Tensor readIm) = (((cr * er) - (ci * ei)) * 2, ((cr * ei) + (ci * er)) * -2);

        Tensor v = u.reshape(batch, chunks, size, Width).permute(3, 2, 0, 1).reshape(Width, size, batch * chunks);
        Tensor y = Toeplitz(readRe.sum([1]).narrow(1, 0, size), size).matmul(v);

        Tensor left = cat([er.narrow(2, 0, size), ei.narrow(2, 0, size)], 1).flip(2);
        Tensor own = left.matmul(v).reshape(Width, 2, _states, batch, chunks).permute(3, 4, 1, 0, 2).reshape(batch, chunks, -1);
        (Tensor after, Tensor end) = RotatingScan.From((parameters[0] * size).flatten(), (parameters[1] * size).flatten(), own, state, ids);
        // What a single position has of earlier ones is in its own state (and nothing is, where a sequence begins): the matrices' row of
        // l = 0. A chunk reads the state that enters it, by the rows of l = 1 .. C.
        long shift = size == 1 ? 0 : 1;
        Tensor earlier = size == 1 ? after - own : StatePassing.Shift(after, state).Before;
        y = y + Read(earlier, cat([readRe.narrow(2, shift, size), readIm.narrow(2, shift, size)], 1), batch, chunks);

        return (y.reshape(Width, size, batch, chunks).permute(2, 3, 1, 0).reshape(batch, length, Width), end);
    }

    // States [batch, chunks, 2 channels N] read by matrices [channels, 2N, positions]: [channels, positions, batch chunks].
    private Tensor Read(Tensor states, Tensor matrices, long batch, long chunks)
    {
        Tensor h = states.reshape(batch, chunks, 2, Width, _states).permute(3, 2, 4, 0, 1).reshape(Width, 2L * _states, batch * chunks);
        return matrices.transpose(1, 2).matmul(h);
    }

    // K [channels, C] as lower triangular matrices [channels, C, C] with K_(i-j).
    private static Tensor Toeplitz(Tensor kernel, long size)
    {
        Tensor at = arange(0, size, 1, int64, kernel.device);
        Tensor back = at.unsqueeze(1) - at.unsqueeze(0);
        return kernel.index_select(1, back.clamp(min: 0).to(int64).reshape(-1)).reshape(kernel.size(0), size, size).tril();
    }
}
