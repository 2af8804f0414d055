using System.Globalization;
using GenoSeq.Data;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Training.Studies;

/// <summary>Windows of genomes: the training part trains, validation makes the learning curve, the test part is measured at the end.</summary>
internal sealed class LanguageData : IStudyData
{
    private readonly StudyCellConfig _settings;
    private readonly RunConfig _run;
    private readonly TrainingData _data;
    private readonly List<TrainingData> _others = [];

    /// <summary>Opens the genomes.</summary>
    /// <exception cref="InputDataException">A file is missing or broken, or no window fits.</exception>
    /// <exception cref="StudyCellException">Nothing is held out.</exception>
    internal LanguageData(StudyCellConfig settings, long seed)
    {
        _settings = settings;
        _run = new RunConfig { Seed = seed, Model = settings.BuiltModel, Data = settings.Data!, Objective = settings.Objective };
        _data = new TrainingData(_run);
        if (_data.ValidationBuilder is null)
        {
            _data.Dispose();
            throw new StudyCellException("no part of the genomes validates; give data.validation_fraction, holdout_contigs or split_bed");
        }
    }

    public int Length => Source(_data.TrainBuilder, _data, _data.TrainSampler).Length;

    public double BasesPerToken => _settings switch
    {
        { Filler: { } f } => 1.0 / f.Factor,
        { Kmer: { Overlapping: false } k } => k.K,
        _ => 1,
    };

    public StudyProbe Validation => Probe(_data, _data.ValidationBuilder!, _data.ValidationSampler!, _settings.Evaluate.CurveTokens);

    /// <summary>The genomes.</summary>
    internal TrainingData Genomes => _data;

    /// <summary>Samples of the part that is measured at the end: the test part, or where there is none what validates.</summary>
    internal IWindowSampler TestSampler => _data.TestSampler ?? _data.ValidationSampler!;

    /// <summary>How many of them.</summary>
    internal long TestWindows => Windows(TestSampler, _settings.Evaluate.Tokens);

    public IBatchSource Train(int length) => length == Length
        ? Source(_data.TrainBuilder, _data, _data.TrainSampler)
        : _data.TrainBuilderFor(length).WithSeed(LengthSchedule.SeedOf(_run.Seed, length));

    public IEnumerable<StudyProbe> Probes()
    {
        StudyEvaluateConfig evaluate = _settings.Evaluate;
        yield return Probe(_data, TestBuilder(_data), TestSampler, evaluate.Tokens) with { At = evaluate.Lengths.Count == 0 ? [] : At("length", Length) };
        foreach (int length in evaluate.Lengths.Where(l => l != Length).Distinct())
        {
            var other = new TrainingData(_run with { Data = _run.Data with { ContextLength = length } });
            _others.Add(other);
            yield return Probe(other, TestBuilder(other), other.TestSampler ?? other.ValidationSampler!, evaluate.Tokens) with { At = At("length", length) };
        }

        foreach (int distance in evaluate.Repeats is null ? [] : evaluate.Distances)
        {
            RepeatProbeOptions options = evaluate.Repeats! with { SpacerLength = distance };
            yield return Repeat(options with { Segment = 1, Control = false }, "first_copy", distance);
            yield return Repeat(options with { Segment = 2, Control = false }, "second_copy", distance);
            yield return Repeat(options with { Segment = 2, Control = true }, "control", distance);
        }
    }

    /// <summary>The builder of held-out batches: always the same ones, corrupted the same way.</summary>
    internal BatchBuilder TestBuilder(TrainingData data) =>
        new(data.Genome, data.TestSampler ?? data.ValidationSampler!, data.Alphabet, _settings.Objective.ValidationOptions(0));

    public void Dispose()
    {
        _others.ForEach(o => o.Dispose());
        _data.Dispose();
    }

    private StudyProbe Repeat(RepeatProbeOptions options, string copy, int distance)
    {
        var source = new RepeatProbe(_data.Genome, TestSampler, _data.Alphabet, options, 0);
        return new StudyProbe(source, Math.Max(1, _settings.Evaluate.Tokens / source.Length), ProbeNames.Copy(copy)) { At = At("distance", distance) };
    }

    private StudyProbe Probe(TrainingData data, BatchBuilder builder, IWindowSampler sampler, long tokens)
    {
        IBatchSource source = Source(builder, data, sampler);
        return new StudyProbe(source, Windows(sampler, tokens), ProbeNames.Language)
        {
            // Overlapping words have one new base each.
            BasesPerTarget = _settings.Kmer is { Overlapping: false } k ? k.K : 1,
        };
    }

    private IBatchSource Source(BatchBuilder builder, TrainingData data, IWindowSampler sampler) => _settings switch
    {
        { Filler: { } filler } => new FillerBatches(data.Genome, sampler, data.Alphabet, filler, _run.Seed),
        { Kmer: { } kmer } => new KmerBatches(data.Genome, sampler, kmer),
        _ => builder,
    };

    private static Dictionary<string, string> At(string name, int value) => new() { [name] = value.ToString(CultureInfo.InvariantCulture) };

    private static long Windows(IWindowSampler sampler, long tokens)
    {
        long all = sampler.WindowsPerEpoch(0);
        return tokens == 0 ? all : Math.Clamp(tokens / sampler.Length, 1, all);
    }
}
