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
        _run = new RunConfig { Seed = seed, Model = settings.Model, Data = settings.Data!, Objective = settings.Objective };
        _data = new TrainingData(_run);
        if (_data.ValidationBuilder is null)
        {
            _data.Dispose();
            throw new StudyCellException("no part of the genomes validates; give data.validation_fraction, holdout_contigs or split_bed");
        }
    }

    public int Length => _data.TrainBuilder.Length;

    public StudyProbe Validation => new(_data.ValidationBuilder!, Windows(_data.ValidationSampler!, _settings.Evaluate.CurveTokens), ProbeNames.Language);

    /// <summary>The genomes.</summary>
    internal TrainingData Genomes => _data;

    /// <summary>Samples of the part that is measured at the end: the test part, or where there is none what validates.</summary>
    internal IWindowSampler TestSampler => _data.TestSampler ?? _data.ValidationSampler!;

    /// <summary>How many of them.</summary>
    internal long TestWindows => Windows(TestSampler, _settings.Evaluate.Tokens);

    public IBatchSource Train(int length) => length == Length
        ? _data.TrainBuilder
        : _data.TrainBuilderFor(length).WithSeed(LengthSchedule.SeedOf(_run.Seed, length));

    public IEnumerable<StudyProbe> Probes()
    {
        yield return Test(_data) with { At = At(Length) };
        foreach (int length in _settings.Evaluate.Lengths.Where(l => l != Length).Distinct())
        {
            var other = new TrainingData(_run with { Data = _run.Data with { ContextLength = length } });
            _others.Add(other);
            yield return Test(other) with { At = At(length) };
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

    private StudyProbe Test(TrainingData data) =>
        new(TestBuilder(data), Windows(data.TestSampler ?? data.ValidationSampler!, _settings.Evaluate.Tokens), ProbeNames.Language);

    // A study without lengths has no use for one in its conditions.
    private Dictionary<string, string> At(int length) => _settings.Evaluate.Lengths.Count == 0 ? []
        : new Dictionary<string, string> { ["length"] = length.ToString(CultureInfo.InvariantCulture) };

    private static long Windows(IWindowSampler sampler, long tokens)
    {
        long all = sampler.WindowsPerEpoch(0);
        return tokens == 0 ? all : Math.Clamp(tokens / sampler.Length, 1, all);
    }
}
