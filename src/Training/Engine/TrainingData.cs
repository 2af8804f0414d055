using System.Text.Json.Nodes;
using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Engine;

/// <summary>The data of a run, opened: genome, split, samplers and builders of batches.</summary>
public sealed class TrainingData : IDisposable
{
    private readonly DataConfig _data;
    private readonly long _seed;
    private readonly IntervalSet? _heldOut;

    /// <summary>Opens the data.</summary>
    /// <exception cref="InputDataException">A file is missing or broken, or no window fits.</exception>
    public TrainingData(RunConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        _data = config.Data;
        _seed = config.Seed;
        (Genome, Sources) = DataSources.Open(_data);
        try
        {
            Alphabet = Alphabet.Get(config.Model.Alphabet);
            WindowSampler[] validation = HeldOut(s => s.Split.Validation);
            WindowSampler[] test = HeldOut(s => s.Split.Test);
            // Tiles stay inside their intervals, which a split keeps apart; the published rules reach beyond theirs.
            IntervalSet? held = _data.Windows == WindowRule.Tile ? null
                : new IntervalSet(validation.Concat(test).SelectMany(s => s.Reach.Stretches));
            _heldOut = _data.StrictSplit ? held : null;
            TrainWindows = TrainWindowsOf(_data.ContextLength);
            TrainSampler = Mix(TrainWindows);
            TrainBuilder = new BatchBuilder(Genome, TrainSampler, Alphabet, config.Objective.Options(config.Seed));
            ValidationSampler = Interleave(validation);
            TestSampler = Interleave(test);
            ValidationBuilder = ValidationSampler is null ? null
                : new BatchBuilder(Genome, ValidationSampler, Alphabet, config.Objective.ValidationOptions(config.Seed));
            if (held is not null)
            {
                SharedBases = new IntervalSet(TrainWindows.SelectMany(s => s.Reach.Stretches)).SharedBases(held);
            }

            Split = new GenomeSplit
            {
                Train = [.. Sources.SelectMany(s => s.Split.Train)],
                Validation = [.. Sources.SelectMany(s => s.Split.Validation)],
                Test = [.. Sources.SelectMany(s => s.Split.Test)],
                Warnings = [.. Sources.SelectMany(s => s.Split.Warnings), .. Leaks()],
            };
        }
        catch
        {
            Genome.Dispose();
            throw;
        }
    }

    /// <summary>All bases.</summary>
    public GenomeSource Genome { get; }

    /// <summary>Where they come from: one unnamed source, or those of a mixture.</summary>
    public IReadOnlyList<DataSource> Sources { get; }

    /// <summary>Which of them train, validate and test.</summary>
    public GenomeSplit Split { get; }

    /// <summary>Bytes to ids.</summary>
    public Alphabet Alphabet { get; }

    /// <summary>Windows that train.</summary>
    public IWindowSampler TrainSampler { get; }

    /// <summary>Windows that train, source by source.</summary>
    public IReadOnlyList<WindowSampler> TrainWindows { get; }

    /// <summary>Windows that validate, or null; of several sources, spread over all of them.</summary>
    public IWindowSampler? ValidationSampler { get; }

    /// <summary>Windows that test, or null.</summary>
    public IWindowSampler? TestSampler { get; }

    /// <summary>Makes training batches.</summary>
    public BatchBuilder TrainBuilder { get; }

    /// <summary>Makes validation batches, or null.</summary>
    public BatchBuilder? ValidationBuilder { get; }

    /// <summary>Bases that train.</summary>
    public long TrainBases => Split.Train.Sum(i => i.Length);

    /// <summary>Bases that validate.</summary>
    public long ValidationBases => Split.Validation.Sum(i => i.Length);

    /// <summary>Bases that training windows and held-out windows may both have: 0 unless a published rule asks for it.</summary>
    public long SharedBases { get; }

    /// <summary>A builder of training batches for another context length, over the same genome and split.</summary>
    /// <param name="contextLength">Bases in a window.</param>
    /// <exception cref="InputDataException">No window of this length fits.</exception>
    public BatchBuilder TrainBuilderFor(int contextLength) =>
        contextLength == TrainSampler.Length
            ? TrainBuilder
            : new BatchBuilder(Genome, Mix(TrainWindowsOf(contextLength)), Alphabet, TrainBuilder.Options);

    /// <summary>Files, sizes, digests, parts and windows, for the run folder.</summary>
    public JsonObject Manifest() => DataManifest.Of(this, _data);

    /// <summary>The manifest without the files, whose digests may have to be taken first.</summary>
    public JsonObject Describe() => DataManifest.Describe(this, _data);

    /// <inheritdoc/>
    public void Dispose() => Genome.Dispose();

    private WindowSampler[] TrainWindowsOf(int length)
    {
        WindowSamplerOptions options = _data.Training(length, _seed);
        return [.. Sources.Select(s => new WindowSampler(Genome, s.Split.Train, options, _heldOut))];
    }

    private WindowSampler[] HeldOut(Func<DataSource, IReadOnlyList<GenomeInterval>> part)
    {
        WindowSamplerOptions options = _data.HeldOut(_data.ContextLength, _seed);
        return [.. Sources.Select(part).Where(p => p.Count > 0).Select(p => new WindowSampler(Genome, p, options))];
    }

    private IWindowSampler Mix(IReadOnlyList<WindowSampler> windows) => Sources.Count == 1
        ? windows[0]
        : new MixtureSampler(
            [.. Sources.Select((s, i) => new MixtureSource(s.Name, windows[i], s.Weight ?? windows[i].WindowsPerEpoch(0)))], _seed);

    private static IWindowSampler? Interleave(WindowSampler[] parts) => parts.Length switch
    {
        0 => null,
        1 => parts[0],
        _ => new InterleavedSampler(parts),
    };

    private IEnumerable<string> Leaks()
    {
        if (SharedBases > 0)
        {
            yield return FormattableString.Invariant(
                $"{SharedBases} bases are in training windows and in held-out ones: the published rule extends intervals beyond their ends; data.strict_split=true leaves such training windows out");
        }
    }
}
