using System.ComponentModel;
using System.Text.Json.Serialization;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Tests.Configuration;

[JsonConverter(typeof(SnakeCaseEnumConverter<SamplePrecision>))]
public enum SamplePrecision
{
    Float32,
    [JsonStringEnumMemberName("bf16")]
    BFloat16,
}

public sealed record SampleOptim : IValidated
{
    public double LearningRate { get; init; } = 1e-3;
    public double WeightDecay { get; init; } = 0.1;
    public double Beta1 { get; init; } = 0.9;
    public float? ClipNorm { get; init; } = 1;

    public IEnumerable<string> Validate()
    {
        if (LearningRate <= 0)
        {
            yield return "learning_rate: must be positive";
        }

        if (Beta1 >= 1)
        {
            yield return "the moments diverge";
        }
    }
}

[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(SampleMamba), "mamba")]
[JsonDerivedType(typeof(SampleAttention), "attention")]
public abstract record SampleMixer
{
    public bool Bias { get; init; } = true;
}

public sealed record SampleMamba : SampleMixer
{
    public int DState { get; init; } = 16;
    public int Expand { get; init; } = 2;
}

public sealed record SampleAttention : SampleMixer
{
    public required int NHead { get; init; }
}

public sealed record SampleModel
{
    [Description("width of the residual stream")]
    public required int DModel { get; init; }
    public int NLayer { get; init; } = 4;
    public bool RcEquivariant { get; init; }
    public int ALog { get; init; }
    public string Layout { get; init; } = "M M A";
    public SamplePrecision Precision { get; init; } = SamplePrecision.BFloat16;
    public IReadOnlyList<SampleMixer> Mixers { get; init; } = [];
    public SampleMixer? Head { get; init; }
    public int DInner => 2 * DModel;
}

public sealed record SampleRun
{
    public required SampleModel Model { get; init; }
    [Description("how the weights move")]
    public SampleOptim Optim { get; init; } = new() { LearningRate = 8e-3 };
    public string Name { get; init; } = "run";
    public long Steps { get; init; } = 1000;
    public ulong Seed { get; init; } = 42;
    public IReadOnlyList<string> Fasta { get; init; } = ["genome.fa"];
    public IReadOnlyDictionary<string, double>? Weights { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SampleRun))]
[JsonSerializable(typeof(SampleMamba))]
public sealed partial class SampleContext : JsonSerializerContext;

[JsonSerializable(typeof(SampleOptim))]
public sealed partial class CamelContext : JsonSerializerContext;
