using System.Text.Json;
using System.Text.Json.Serialization;
using GenoSeq.Models;
using GenoSeq.Models.Heads;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.FineTuning;

/// <summary>What a head predicts.</summary>
public enum TaskKind
{
    /// <summary>One of several classes: softmax, cross-entropy. Two classes are binary.</summary>
    Class,

    /// <summary>Any number of classes: a sigmoid and binary cross-entropy for each.</summary>
    MultiLabel,

    /// <summary>One of several classes for each base: softmax, cross-entropy over the bases that have a label.</summary>
    PerBase,

    /// <summary>Real numbers: squared error in units of the training rows' standard deviation.</summary>
    Number,
}

/// <summary>A task as its checkpoint remembers it: <c>task.json</c> beside the model.</summary>
public sealed record TaskDescription
{
    /// <summary>What is predicted.</summary>
    public TaskKind Kind { get; init; }

    /// <summary>Classes, labels or targets, in the order of the outputs.</summary>
    public IReadOnlyList<string> LabelNames { get; init; } = [];

    /// <summary>Mean of each target in training; empty unless numbers are predicted.</summary>
    public IReadOnlyList<double> Mean { get; init; } = [];

    /// <summary>Standard deviation of each target in training; empty unless numbers are predicted.</summary>
    public IReadOnlyList<double> Scale { get; init; } = [];

    /// <summary>The head.</summary>
    public HeadConfig Head { get; init; } = new();

    /// <summary>Longest sequence in bases, or with parity pooling the length that rows are padded to; 0: no limit.</summary>
    public int MaxLength { get; init; }

    /// <summary>What becomes of longer sequences.</summary>
    public TooLong TooLong { get; init; }

    /// <summary>Outputs are averaged over both strands (of models that are not equivariant).</summary>
    public bool RcAverage { get; init; }

    /// <summary>The text of <c>task.json</c>.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, TaskJson.Default.TaskDescription) + "\n";

    /// <summary>Reads <c>task.json</c>.</summary>
    /// <exception cref="CheckpointException">It is absent or no description of a task.</exception>
    public static TaskDescription Read(string file)
    {
        try
        {
            TaskDescription task = JsonSerializer.Deserialize(File.ReadAllText(file), TaskJson.Default.TaskDescription)
                ?? throw new JsonException("it is null");
            int scales = task.Kind == TaskKind.Number ? task.LabelNames.Count : 0;
            return task.LabelNames.Count == task.Head.Outputs && task.Mean.Count == scales && task.Scale.Count == scales
                ? task
                : throw new JsonException("the numbers of outputs, names and scales differ");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException("this checkpoint has no head", file, "a checkpoint that `genoseq finetune` wrote",
                "fine-tune the model first");
        }
        catch (JsonException e)
        {
            throw new CheckpointException($"the description of the task is damaged: {e.Message}", file, "what `genoseq finetune` wrote",
                "copy the checkpoint again");
        }
    }
}

/// <summary>JSON form of a task: snake_case, unknown keys refused.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    WriteIndented = true,
    NewLine = "\n",
    Converters = [typeof(SnakeCaseEnumConverter<TaskKind>), typeof(SnakeCaseEnumConverter<TooLong>), typeof(SnakeCaseEnumConverter<Pooling>), typeof(SnakeCaseEnumConverter<HeadStrands>)])]
[JsonSerializable(typeof(TaskDescription))]
internal sealed partial class TaskJson : JsonSerializerContext;
