using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Heads;

/// <summary>
/// Hidden states of whole sequences to the outputs of a task, in single precision whatever the model's type: pooling, then a
/// linear layer or an MLP.
/// </summary>
public sealed class TaskHead : nn.Module
{
    // Groups of channels with weights of their own for each position.
    private const int Profiles = 8;

    // What a weight of a position counts for: a landmark may need hundreds of times the mean's weight, and rates are those of ordinary weights.
    private const double ProfileScale = 64;

    private readonly nn.Parameter? _attention;
    private readonly nn.Parameter? _profiles;
    private readonly nn.Linear? _dense;
    private readonly nn.Linear _score;

    /// <summary>Builds the head with fresh weights from the default generator.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="dModel">Width of the model.</param>
    /// <exception cref="ModelConfigException">The settings make no head.</exception>
    public TaskHead(HeadConfig config, int dModel)
    {
        ArgumentNullException.ThrowIfNull(config);
        string[] problems = [.. config.Validate()];
        if (problems.Length > 0)
        {
            throw new ModelConfigException(problems);
        }

        Config = config;
        if (config.Pooling == Pooling.Attention)
        {
            _attention = register_parameter("attention", new nn.Parameter(zeros([1, dModel])));
        }

        if (config.Pooling == Pooling.Position)
        {
            // Departures from the mean: zero is the mean, and weight decay draws towards it.
            _profiles = register_parameter("profiles", new nn.Parameter(zeros([Math.Min(Profiles, dModel), config.Positions])));
        }

        if (config.Hidden > 0)
        {
            _dense = register_module("dense", new nn.Linear(dModel, config.Hidden, true));
        }

        _score = register_module("score", new nn.Linear(config.Hidden > 0 ? config.Hidden : dModel, config.Outputs, config.Bias));
    }

    /// <summary>What the head is made of.</summary>
    public HeadConfig Config { get; }

    /// <summary>One vector for each sequence.</summary>
    /// <param name="hidden">
    /// What <see cref="SequenceModel.ForwardHidden"/> gave: [batch, length, d_model], or of an equivariant model
    /// [batch, length, 2 d_model]; then each strand is pooled in its own reading direction and the two are averaged, so that a
    /// sequence and its reverse complement have the same vector; unless the head looks at the given strand alone.
    /// </param>
    /// <param name="mask">f32 [batch, length]: 1 for a sequence's own positions, first, and 0 for padding behind; null: no padding.</param>
    /// <param name="strands">Whether the last dimension holds two strands.</param>
    /// <returns>f32 [batch, d_model].</returns>
    public Tensor Pool(Tensor hidden, Tensor? mask, bool strands)
    {
        ArgumentNullException.ThrowIfNull(hidden);
        hidden = hidden.dtype == float32 ? hidden : hidden.to(float32);
        if (!strands)
        {
            return PoolStrand(hidden, mask, false);
        }

        Tensor[] s = hidden.chunk(2, -1);
        if (Config.Strands == HeadStrands.Given)
        {
            return PoolStrand(s[0], mask, false);
        }

        return (PoolStrand(s[0], mask, false) + PoolStrand(s[1].flip(2), mask, true)).mul(0.5);
    }

    /// <summary>One vector for each position: of two strands the mean of their states at that base.</summary>
    /// <param name="hidden">What <see cref="SequenceModel.ForwardHidden"/> gave.</param>
    /// <param name="strands">Whether the last dimension holds two strands.</param>
    /// <returns>f32 [batch, length, d_model].</returns>
    public static Tensor States(Tensor hidden, bool strands)
    {
        ArgumentNullException.ThrowIfNull(hidden);
        hidden = hidden.dtype == float32 ? hidden : hidden.to(float32);
        if (!strands)
        {
            return hidden;
        }

        // The other strand lies here in the order of the first.
        Tensor[] s = hidden.chunk(2, -1);
        return (s[0] + s[1].flip(2)).mul(0.5);
    }

    /// <summary>Outputs of vectors.</summary>
    /// <param name="pooled">f32 [..., d_model].</param>
    /// <returns>f32 [..., outputs]: logits, or targets in standard units.</returns>
    public Tensor Score(Tensor pooled) =>
        _score.forward(_dense is null ? pooled : nn.functional.gelu(_dense.forward(pooled)));

    // The other strand lies here in the order of the first: its own last position is the first one.
    private Tensor PoolStrand(Tensor h, Tensor? mask, bool backwards) => Config.Pooling switch
    {
        Pooling.Max => (mask is null ? h : h.masked_fill(mask.eq(0).unsqueeze(2), double.NegativeInfinity)).amax(1),
        Pooling.Last => backwards ? h.select(1, 0) : Last(h, mask),
        Pooling.Attention => (h * Weights(h, mask)).sum([1]),
        Pooling.Position => Mean(h * Scales(h, mask, backwards), mask),
        _ => Mean(h, mask),
    };

    private static Tensor Mean(Tensor h, Tensor? mask) =>
        mask is null ? h.mean([1]) : (h * mask.unsqueeze(2)).sum([1]) / mask.sum([1], keepdim: true);

    // [batch or 1, length, d_model]: 1 + 64 times the number of the channel's group for the position, counted in the strand's own direction.
    private Tensor Scales(Tensor h, Tensor? mask, bool backwards)
    {
        long length = h.size(1);
        Tensor at = arange(0, length, device: h.device).unsqueeze(0);
        if (backwards)
        {
            at = mask is null ? (length - 1) - at : mask.sum([1], keepdim: true) - 1 - at;
        }

        Tensor profiles = _profiles!.t().index_select(0, at.clamp(0, Config.Positions - 1).to(int64).reshape(-1)).reshape(at.size(0), length, -1);
        long groups = profiles.size(2);
        long width = (h.size(2) + groups - 1) / groups;
        return profiles.unsqueeze(3).expand(-1, -1, -1, width).reshape(at.size(0), length, -1).narrow(2, 0, h.size(2)).mul(ProfileScale) + 1;
    }

    private Tensor Weights(Tensor h, Tensor? mask)
    {
        Tensor scores = nn.functional.linear(h, _attention!);
        return (mask is null ? scores : scores.masked_fill(mask.eq(0).unsqueeze(2), double.NegativeInfinity)).softmax(1);
    }

    private static Tensor Last(Tensor h, Tensor? mask)
    {
        if (mask is null)
        {
            return h.select(1, h.size(1) - 1);
        }

        Tensor at = mask.sum([1]).sub(1).to(int64).reshape(-1, 1, 1).expand(h.size(0), 1, h.size(2));
        return h.gather(1, at).squeeze(1);
    }
}
