using System.Text.Json.Nodes;
using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Engine;

/// <summary>The data of a run, opened: genome, split, samplers and builders of batches.</summary>
public sealed class TrainingData : IDisposable
{
    /// <summary>Opens the data.</summary>
    /// <exception cref="InputDataException">A file is missing or broken, or no window fits.</exception>
    public TrainingData(RunConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        Genome = FastaGenome.Load(config.Data.Fasta);
        try
        {
            Split = GenomeSplit.Create(Genome, config.Data.Split());
            Alphabet = Alphabet.Get(config.Model.Alphabet);
            var options = new WindowSamplerOptions
            {
                Length = config.Data.ContextLength,
                Seed = config.Seed,
                MaxNFraction = config.Data.MaxNFraction,
            };
            TrainSampler = new WindowSampler(Genome, Split.Train, options);
            TrainBuilder = new BatchBuilder(Genome, TrainSampler, Alphabet, config.Objective.Options(config.Seed));
            if (Split.Validation.Count > 0)
            {
                ValidationSampler = new WindowSampler(Genome, Split.Validation, options with { Shuffle = false, Tail = TailPolicy.Short });
                ValidationBuilder = new BatchBuilder(Genome, ValidationSampler, Alphabet, config.Objective.ValidationOptions(config.Seed));
            }
        }
        catch
        {
            Genome.Dispose();
            throw;
        }
    }

    /// <summary>All bases.</summary>
    public GenomeSource Genome { get; }

    /// <summary>Which of them train, validate and test.</summary>
    public GenomeSplit Split { get; }

    /// <summary>Bytes to ids.</summary>
    public Alphabet Alphabet { get; }

    /// <summary>Windows that train.</summary>
    public WindowSampler TrainSampler { get; }

    /// <summary>Windows that validate, or null.</summary>
    public WindowSampler? ValidationSampler { get; }

    /// <summary>Makes training batches.</summary>
    public BatchBuilder TrainBuilder { get; }

    /// <summary>Makes validation batches, or null.</summary>
    public BatchBuilder? ValidationBuilder { get; }

    /// <summary>Bases that train.</summary>
    public long TrainBases => Split.Train.Sum(i => i.Length);

    /// <summary>Bases that validate.</summary>
    public long ValidationBases => Split.Validation.Sum(i => i.Length);

    /// <summary>A builder of training batches for another context length, over the same genome and split.</summary>
    /// <param name="contextLength">Bases in a window.</param>
    /// <exception cref="InputDataException">No window of this length fits.</exception>
    public BatchBuilder TrainBuilderFor(int contextLength) =>
        contextLength == TrainSampler.Length
            ? TrainBuilder
            : new BatchBuilder(Genome, new WindowSampler(Genome, Split.Train, TrainSampler.Options with { Length = contextLength }), Alphabet, TrainBuilder.Options);

    /// <summary>Files, sizes, digests and parts, for the run folder.</summary>
    public JsonObject Manifest()
    {
        GenomeDigest digest = Genome.Digest;
        var files = new JsonArray();
        foreach (GenomeFileDigest f in digest.Files)
        {
            JsonNode file = new JsonObject
            {
                ["file"] = f.File,
                ["size"] = f.Size,
                ["sha256"] = f.Sha256,
                ["sequences"] = f.Sequences,
                ["bases"] = f.Bases,
                ["n"] = f.NCount,
            };
            files.Add(file);
        }

        return new JsonObject
        {
            ["sha256"] = digest.Sha256,
            ["files"] = files,
            ["train_bases"] = TrainBases,
            ["validation_bases"] = ValidationBases,
            ["test_bases"] = Split.Test.Sum(i => i.Length),
            ["train_windows_per_epoch"] = TrainSampler.WindowsPerEpoch(0),
            ["excluded_intervals"] = TrainSampler.ExcludedIntervals,
            ["excluded_bases"] = TrainSampler.ExcludedBases,
        };
    }

    /// <inheritdoc/>
    public void Dispose() => Genome.Dispose();
}
