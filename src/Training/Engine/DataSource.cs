using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Engine;

/// <summary>One source of a run's bases, opened.</summary>
/// <param name="Name">Its name; empty when there is only one, unnamed.</param>
/// <param name="Weight">The weight asked for, or null.</param>
/// <param name="Split">Its parts, as intervals of the run's genome, with what there is to say about it.</param>
public sealed record DataSource(string Name, double? Weight, GenomeSplit Split);

/// <summary>Opens a run's files as one genome and divides it.</summary>
internal static class DataSources
{
    internal static (GenomeSource Genome, IReadOnlyList<DataSource> Sources) Open(DataConfig config)
    {
        var warnings = new List<string>();
        if (config.Sources.Count == 0)
        {
            GenomeSource genome = OpenFiles(config.Files, config.Column, config.Where, warnings);
            return Guard(genome, () => [new DataSource("", null, Named("", GenomeSplit.Create(genome, config.Split()), warnings))]);
        }

        var genomes = new List<(string Name, GenomeSource Genome)>();
        try
        {
            foreach (SourceConfig source in config.Sources)
            {
                genomes.Add((source.Name, OpenFiles(source.Files, source.Column ?? config.Column, source.Where ?? config.Where, warnings)));
            }
        }
        catch
        {
            genomes.ForEach(g => g.Genome.Dispose());
            throw;
        }

        var whole = new MixtureGenome(genomes);
        return Guard(whole, () => [.. config.Sources.Select((s, i) => Divide(config, s, i, genomes[i].Genome, whole, i == 0 ? warnings : []))]);
    }

    // The one place where files become a genome.
    private static GenomeSource OpenFiles(IReadOnlyList<string> files, string? column, string? where, List<string> warnings)
    {
        return GenomeFiles.Open(files, new GenomeOpenOptions
        {
            Parquet = new ParquetSequenceOptions { SequenceColumn = column, Where = where },
            Warn = warnings.Add,
        });
    }

    private static DataSource Divide(
        DataConfig config, SourceConfig source, int index, GenomeSource genome, MixtureGenome whole, IReadOnlyList<string> warnings)
    {
        SplitOptions options = source.HasSplit ? source.Split() : OfData(config, source.Name, genome, whole);
        GenomeSplit split = GenomeSplit.Create(genome, options);
        return new DataSource(source.Name, source.Weight, Named(source.Name, split with
        {
            Train = whole.FromPart(index, split.Train),
            Validation = whole.FromPart(index, split.Validation),
            Test = whole.FromPart(index, split.Test),
        }, warnings));
    }

    private static GenomeSplit Named(string source, GenomeSplit split, IReadOnlyList<string> warnings) => split with
    {
        Warnings = [.. warnings, .. split.Warnings.Select(w => source.Length == 0 ? w : $"{source}: {w}")],
    };

    // Contigs held out of all sources are named as they are, those of one as source/contig.
    private static SplitOptions OfData(DataConfig config, string name, GenomeSource genome, MixtureGenome whole)
    {
        SplitOptions options = config.Split();
        return options with { HoldoutContigs = Own(options.HoldoutContigs), TestContigs = Own(options.TestContigs) };

        // A name that no source knows stays, so that the split refuses it with the names that are nearest.
        IReadOnlyList<string>? Own(IReadOnlyList<string>? names) => names is null ? null :
        [
            .. from given in names
               let own = given.StartsWith(name + "/", StringComparison.Ordinal) ? given[(name.Length + 1)..] : given
               where genome.IndexOf(own) >= 0 || !IsKnown(given)
               select own,
        ];

        bool IsKnown(string given) => whole.IndexOf(given) >= 0 || config.Sources.Any(s => whole.IndexOf($"{s.Name}/{given}") >= 0);
    }

    private static (GenomeSource, IReadOnlyList<DataSource>) Guard(GenomeSource genome, Func<IReadOnlyList<DataSource>> sources)
    {
        try
        {
            return (genome, sources());
        }
        catch
        {
            genome.Dispose();
            throw;
        }
    }
}
