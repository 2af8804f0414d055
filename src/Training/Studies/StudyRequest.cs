using GenoSeq.Models;

namespace GenoSeq.Training.Studies;

/// <summary>What a run of a study is asked.</summary>
public sealed record StudyRequest
{
    /// <summary>The study.</summary>
    public required Study Study { get; init; }

    /// <summary>The folder of its cells and reports; that of an earlier run goes on.</summary>
    public required string Out { get; init; }

    /// <summary>Names of the models to run; empty: all.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Seeds to run; empty: the study's.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [];

    /// <summary>Where to compute: cpu, cuda or cuda:N.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Version of the program.</summary>
    public string Version { get; init; } = "";

    /// <summary>Times steps of generation; null: generation is not measured.</summary>
    public DecodeProbe? Decode { get; init; }
}

/// <summary>Times a step of generation.</summary>
/// <param name="model">Causal, on its device.</param>
/// <param name="positions">Where.</param>
/// <param name="steps">Steps that are timed.</param>
/// <returns>For each position the microseconds of a step and the bytes of the state; null for both where the model cannot be put there.</returns>
public delegate IReadOnlyList<(double? Microseconds, long? StateBytes)> DecodeProbe(SequenceModel model, IReadOnlyList<int> positions, int steps);

/// <summary>How far a study is.</summary>
/// <param name="Folder">Its folder.</param>
/// <param name="Done">Finished cells of those that were asked for, trials among them.</param>
/// <param name="Cells">Cells that were asked for.</param>
/// <param name="Failures">Those that failed.</param>
/// <param name="Summary">What the claims came to, a line each.</param>
public sealed record StudyProgress(string Folder, int Done, int Cells, IReadOnlyList<StudyFailure> Failures, IReadOnlyList<string> Summary);

/// <summary>A cell cannot be run for a reason that its settings or its device have.</summary>
public sealed class StudyCellException : Exception
{
    /// <summary>Says why.</summary>
    public StudyCellException(string message)
        : base(message)
    {
    }
}
