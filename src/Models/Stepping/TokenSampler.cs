using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Stepping;

/// <summary>How ids are drawn.</summary>
/// <param name="Choices">Ids that may come, 1 to 512.</param>
/// <param name="Temperature">Logits are divided by it; 0: always the most likely id.</param>
/// <param name="TopK">Only so many of the most likely ids; 0: all.</param>
/// <param name="TopP">Only the most likely ids that together have this mass; 1: all.</param>
/// <param name="Key">Of the random streams (CounterRandom.Key of the data layer).</param>
public sealed record SamplingRule(IReadOnlyList<int> Choices, double Temperature, int TopK, double TopP, ulong Key);

/// <summary>
/// Steps a model and draws the next ids from its logits, all on its device: ids drawn wait there until a block of them is taken. Draw k of a
/// row is a pure function of key, the row's stream and k, so it depends neither on the other rows nor on how often blocks are taken.
/// </summary>
public sealed class TokenSampler : IDisposable
{
    private const int MaxChoices = 512;

    private readonly ModelStepper _stepper;
    private readonly SamplingRule _rule;
    private readonly Tensor _choices;
    private readonly Tensor _tokens;
    private readonly Tensor _filled;
    private readonly Tensor _drawn;
    private readonly Tensor _streams;
    private int _waiting;

    /// <summary>Prepares drawing.</summary>
    /// <param name="stepper">Its rows are drawn for; it stays the caller's.</param>
    /// <param name="rule">How.</param>
    /// <param name="block">Ids of a row that can wait.</param>
    public TokenSampler(ModelStepper stepper, SamplingRule rule, int block)
    {
        ArgumentNullException.ThrowIfNull(stepper);
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentOutOfRangeException.ThrowIfLessThan(block, 1);
        int vocab = (int)stepper.Logits.size(1);
        if (rule.Choices.Count is < 1 or > MaxChoices || rule.Choices.Any(c => c < 0 || c >= vocab))
        {
            throw new ArgumentException($"1 to {MaxChoices} ids of the vocabulary may come", nameof(rule));
        }

        _stepper = stepper;
        _rule = rule;
        Block = block;
        using DisposeScope scope = NewDisposeScope();
        Device device = stepper.Ids.device;
        _choices = tensor<int>([.. rule.Choices], [rule.Choices.Count], device).DetachFromDisposeScope();
        _tokens = zeros([stepper.Rows, block], int32, device).DetachFromDisposeScope();
        _filled = zeros([stepper.Rows], int32, device).DetachFromDisposeScope();
        _drawn = zeros([stepper.Rows], int64, device).DetachFromDisposeScope();
        _streams = zeros([stepper.Rows], int64, device).DetachFromDisposeScope();
    }

    /// <summary>Ids of a row that can wait.</summary>
    public int Block { get; }

    /// <summary>Gives a row its stream.</summary>
    /// <param name="row">The row.</param>
    /// <param name="stream">Number of the stream.</param>
    /// <param name="drawn">Numbers drawn from it before.</param>
    /// <param name="id">The id that the row's next step reads.</param>
    public void Begin(int row, long stream, long drawn, int id)
    {
        using DisposeScope scope = NewDisposeScope();
        _streams.narrow(0, row, 1).fill_(stream);
        _drawn.narrow(0, row, 1).fill_(drawn);
        _stepper.Ids.narrow(0, row, 1).fill_(id);
    }

    /// <summary>A step, and an id for each row; does not wait for the device. At most <see cref="Block"/> times between two <see cref="Take"/>.</summary>
    public void Next()
    {
        Counted();
        Work();
    }

    /// <summary>What <see cref="Next"/> gives to the device, without counting: to be captured, and repeated with <see cref="Counted"/>.</summary>
    public void Work()
    {
        _stepper.Step();
        _stepper.Kernels.Sample(new StepSample
        {
            Logits = _stepper.Logits.data_ptr(),
            Choices = _choices.data_ptr(),
            Ids = _stepper.Ids.data_ptr(),
            Tokens = _tokens.data_ptr(),
            Filled = _filled.data_ptr(),
            Drawn = _drawn.data_ptr(),
            Streams = _streams.data_ptr(),
            Key = _rule.Key,
            Inverse = _rule.Temperature == 0 ? 0 : 1 / _rule.Temperature,
            TopP = _rule.TopP,
            Rows = _stepper.Rows,
            Vocab = (int)_stepper.Logits.size(1),
            Count = _rule.Choices.Count,
            TopK = _rule.TopK,
            Block = Block,
        });
    }

    /// <summary>Counts a step that is repeated by other means.</summary>
    public void Counted() => _waiting = _waiting < Block ? _waiting + 1 : throw new InvalidOperationException($"{Block} ids wait already; take them first");

    /// <summary>The ids drawn since the last time, [rows][ids]; waits for the device.</summary>
    /// <exception cref="InvalidOperationException">Logits were no numbers.</exception>
    public int[][] Take()
    {
        using DisposeScope scope = NewDisposeScope();
        int[] all = _tokens.narrow(1, 0, _waiting).ToArray<int>();
        if (Array.IndexOf(all, -1) >= 0)
        {
            throw new InvalidOperationException("the model's logits are no numbers");
        }

        _filled.zero_();
        int count = _waiting;
        _waiting = 0;
        return [.. Enumerable.Range(0, _stepper.Rows).Select(r => all[(r * count)..((r + 1) * count)])];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor t in (Tensor[])[_choices, _tokens, _filled, _drawn, _streams])
        {
            t.Dispose();
        }
    }
}
