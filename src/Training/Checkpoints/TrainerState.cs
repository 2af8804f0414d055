using System.Text.Json.Serialization;

namespace GenoSeq.Training.Checkpoints;

/// <summary>Where a run is: everything besides weights, moments and random states that continuing needs.</summary>
public sealed class TrainerState
{
    /// <summary>Version of this file's meaning.</summary>
    public int Version { get; set; } = 1;

    /// <summary>Optimizer steps taken; the next sample is this many steps' worth of windows into the data.</summary>
    public long Step { get; set; }

    /// <summary>Processes that trained together when this was written; any other number may continue.</summary>
    public int WorldSize { get; set; } = 1;

    /// <summary>Tokens seen.</summary>
    public long Tokens { get; set; }

    /// <summary>Seconds spent, over all sittings.</summary>
    public double WallSeconds { get; set; }

    /// <summary>Seconds of them in which the training loop waited for its batch.</summary>
    public double DataWaitSeconds { get; set; }

    /// <summary>True when the validation that is due behind this step has still to be done.</summary>
    public bool ValidationPending { get; set; }

    /// <summary>Best validation in bits per base, or null before the first.</summary>
    public double? BestValidation { get; set; }

    /// <summary>Validations since the best one.</summary>
    public int ValidationsSinceBest { get; set; }

    /// <summary>Sum of the bits of the steps since the last line of metrics.</summary>
    public double WindowBits { get; set; }

    /// <summary>Steps since the last line of metrics.</summary>
    public int WindowSteps { get; set; }
}

/// <summary>Source-generated metadata of <see cref="TrainerState"/>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(TrainerState))]
internal sealed partial class TrainerStateJson : JsonSerializerContext;
