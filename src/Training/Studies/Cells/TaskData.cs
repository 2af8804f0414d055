using System.Globalization;
using GenoSeq.Data;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Training.Studies;

/// <summary>Samples of a synthetic task: each part has a seed of its own; what is measured at the end is the same for all seeds.</summary>
internal sealed class TaskData : IStudyData
{
    private readonly StudyCellConfig _settings;
    private readonly SyntheticTaskOptions _task;
    private readonly long _seed;
    private readonly Dictionary<int, TrainingData> _genomes = [];

    /// <summary>Prepares samples; genomes that a needle is planted in are opened when they are needed.</summary>
    internal TaskData(StudyCellConfig settings, long seed)
    {
        _settings = settings;
        _task = settings.Task!;
        _seed = seed;
    }

    public int Length => _task.Length;

    public double BasesPerToken => 1;

    public StudyProbe Validation => Probe(_task, "validation", _settings.Evaluate.CurveTokens);

    public IBatchSource Train(int length) => Make(_task with { Length = length }, _seed, "train", d => d.TrainSampler);

    public IEnumerable<StudyProbe> Probes()
    {
        StudyEvaluateConfig evaluate = _settings.Evaluate;
        if (evaluate.Distances.Count == 0)
        {
            yield return Probe(_task, "test", evaluate.Tokens) with { At = evaluate.Lengths.Count == 0 ? [] : At("length", Length) };
        }

        foreach (int length in evaluate.Lengths.Where(l => l != Length).Distinct())
        {
            yield return Probe(_task with { Length = length }, "test", evaluate.Tokens) with { At = At("length", length) };
        }

        foreach (int distance in evaluate.Distances.Distinct())
        {
            SyntheticTaskOptions far = _task with { Distance = distance };
            yield return Probe(far with { Length = SyntheticTasks.MinLength(far) }, "test", evaluate.Tokens) with { At = At("distance", distance) };
        }
    }

    public void Dispose()
    {
        foreach (TrainingData data in _genomes.Values)
        {
            data.Dispose();
        }
    }

    private StudyProbe Probe(SyntheticTaskOptions task, string part, long tokens)
    {
        SyntheticTask source = Make(task, 0, part, d => (part == "test" ? d.TestSampler : null) ?? d.ValidationSampler!);
        return new StudyProbe(source, Math.Max(_settings.Evaluate.MinSamples, tokens / source.Length), ProbeNames.Task) { AnswerLength = source.AnswerLength };
    }

    private SyntheticTask Make(SyntheticTaskOptions task, long seed, string part, Func<TrainingData, IWindowSampler> sampler)
    {
        long own = (long)(CounterRandom.Mix(CounterRandom.Key(seed, part)) >> 1);
        return SyntheticTasks.Create(task, own, _settings.Data is null ? null : new GenomeBackground(Genome(task.Length).Genome, sampler(Genome(task.Length))));
    }

    private TrainingData Genome(int length)
    {
        if (!_genomes.TryGetValue(length, out TrainingData? data))
        {
            data = new TrainingData(new RunConfig { Seed = _seed, Model = _settings.BuiltModel, Data = _settings.Data! with { ContextLength = length }, Objective = _settings.Objective });
            _genomes[length] = data;
            if (data.ValidationSampler is null)
            {
                throw new StudyCellException("no part of the genomes validates; give data.validation_fraction, holdout_contigs or split_bed");
            }
        }

        return data;
    }

    private static Dictionary<string, string> At(string name, int value) => new() { [name] = value.ToString(CultureInfo.InvariantCulture) };
}
