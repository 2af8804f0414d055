using System.Text.Json.Serialization;
using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Tests.Studies;

/// <summary>The settings of a study's data can be written in a configuration.</summary>
public class StudyDataBindingTests
{
    private static StudyData Bind(string yaml) => ConfigBinder.Bind(
        ConfigTree.ParseYaml(yaml, "study.yaml"), StudyDataContext.Default.StudyData, value => value switch
        {
            SyntheticTaskOptions o => o.Validate(),
            FillerOptions o => o.Validate(),
            KmerOptions o => o.Validate(),
            RepeatProbeOptions o => o.Validate(),
            _ => null,
        });

    [Fact]
    public void Bind_EveryKey_IsTaken()
    {
        Assert.Equal(new StudyData(), Bind("{}"));
        StudyData data = Bind("""
            task: {kind: selective_copying, length: 999, pairs: 3, key_width: 5, value_width: 2, power_a: 0.5, filler: n, symbols: 7, min_symbols: 6,
              order: prefix, every_step: false, group: s3, inputs: elements, distance: 70, distractors: 4}
            filler: {factor: 4, spacing: random}
            kmer: {k: 3, overlapping: true}
            repeat: {repeat_length: 64, spacer_length: 32, mutation_rate: 0.1, reverse_complement: true, segment: 2, control: true}
            """);
        Assert.Equal(
            new SyntheticTaskOptions
            {
                Kind = SyntheticKind.SelectiveCopying,
                Length = 999,
                Pairs = 3,
                KeyWidth = 5,
                ValueWidth = 2,
                PowerA = 0.5,
                Filler = SyntheticFiller.N,
                Symbols = 7,
                MinSymbols = 6,
                Order = LookupOrder.Prefix,
                EveryStep = false,
                Group = PermutationGroup.S3,
                Inputs = PermutationInputs.Elements,
                Distance = 70,
                Distractors = 4,
            },
            data.Task);
        Assert.Equal(new FillerOptions { Factor = 4, Spacing = FillerSpacing.Random }, data.Filler);
        Assert.Equal(new KmerOptions { K = 3, Overlapping = true }, data.Kmer);
        Assert.Equal(
            new RepeatProbeOptions { RepeatLength = 64, SpacerLength = 32, MutationRate = 0.1, ReverseComplement = true, Segment = 2, Control = true },
            data.Repeat);
    }

    [Fact]
    public void Bind_WrongSettings_ReportsTheirKeys()
    {
        IReadOnlyList<ConfigProblem> problems = Assert.Throws<ConfigException>(() => Bind("task: {length: 40}\nkmer: {k: 12}\nrepeat: {segment: 3}\n")).Problems;
        Assert.Equal(["task.length", "kmer.k", "repeat.segment"], problems.Select(p => p.Path));
    }
}

public sealed record StudyData
{
    public SyntheticTaskOptions Task { get; init; } = new();
    public FillerOptions Filler { get; init; } = new();
    public KmerOptions Kmer { get; init; } = new();
    public RepeatProbeOptions Repeat { get; init; } = new();
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    Converters = [
        typeof(SnakeCaseEnumConverter<SyntheticKind>), typeof(SnakeCaseEnumConverter<SyntheticFiller>), typeof(SnakeCaseEnumConverter<LookupOrder>),
        typeof(SnakeCaseEnumConverter<PermutationGroup>), typeof(SnakeCaseEnumConverter<PermutationInputs>), typeof(SnakeCaseEnumConverter<FillerSpacing>)])]
[JsonSerializable(typeof(StudyData))]
internal sealed partial class StudyDataContext : JsonSerializerContext;
