using GenoSeq.Data;

namespace GenoSeq.Training.Studies;

/// <summary>What a cell trains on and is measured with.</summary>
internal interface IStudyData : IDisposable
{
    /// <summary>Tokens of a training sample.</summary>
    public int Length { get; }

    /// <summary>Bases that a token stands for: budgets and batches count bases. 1 where tokens are counted.</summary>
    public double BasesPerToken { get; }

    /// <summary>Training samples.</summary>
    /// <param name="length">Tokens of a sample: <see cref="Length"/>, or less in a length warm-up.</param>
    public IBatchSource Train(int length);

    /// <summary>Held-out samples for the learning curve and sweeps: others than those of <see cref="Probes"/>.</summary>
    public StudyProbe Validation { get; }

    /// <summary>What is measured of the trained model.</summary>
    public IEnumerable<StudyProbe> Probes();
}

/// <summary>Held-out samples and what is measured with them.</summary>
/// <param name="Source">The samples.</param>
/// <param name="Samples">How many of them, from the first on.</param>
/// <param name="Names">Metrics.</param>
internal sealed record StudyProbe(IBatchSource Source, long Samples, ProbeNames Names)
{
    /// <summary>Where the measurements are: <c>length: 4096</c>.</summary>
    public IReadOnlyDictionary<string, string> At { get; init; } = new Dictionary<string, string>();

    /// <summary>Bases that a target stands for: its bits are divided by it.</summary>
    public double BasesPerTarget { get; init; } = 1;

    /// <summary>Targets of one answer, for the share of answers that are right throughout; 1: none is measured.</summary>
    public int AnswerLength { get; init; } = 1;
}

/// <summary>Names of a probe's metrics; null: not measured.</summary>
/// <param name="Bits">Bits for each target.</param>
/// <param name="Accuracy">Share of targets with the largest logit.</param>
/// <param name="Exact">Share of answers that are right throughout.</param>
internal sealed record ProbeNames(string? Bits, string? Accuracy, string? Exact)
{
    internal static ProbeNames Language { get; } = new("bits_per_base", "base_accuracy", null);

    internal static ProbeNames Copy(string copy) => new($"{copy}_bits", null, null);

    internal static ProbeNames Task { get; } = new("answer_bits", "accuracy", "exact");
}
