using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Engine;

/// <summary>One source of a run's bases, opened.</summary>
/// <param name="Name">Its name; empty when there is only one, unnamed.</param>
/// <param name="Weight">The weight asked for, or null.</param>
/// <param name="Split">Its parts, as intervals of the run's genome.</param>
public sealed record DataSource(string Name, double? Weight, GenomeSplit Split);

/// <summary>Opens a run's files as one genome and divides it.</summary>
internal static class DataSources
{
    internal static (GenomeSource Genome, IReadOnlyList<DataSource> Sources) Open(DataConfig config)
    {
        if (config.Sources.Count == 0)
        {
            GenomeSource genome = OpenFiles(config.Files, config.Column, config.Where);
            return Guard(genome, () => [new DataSource("", null, GenomeSplit.Create(genome, config.Split()))]);
        }

        var genomes = new List<(string Name, GenomeSource Genome)>();
        try
        {
            foreach (SourceConfig source in config.Sources)
            {
                genomes.Add((source.Name, OpenFiles(source.Files, source.Column ?? config.Column, source.Where ?? config.Where)));
            }
        }
        catch
        {
            genomes.ForEach(g => g.Genome.Dispose());
            throw;
        }

        var whole = new MixtureGenome(genomes);
        return Guard(whole, () => [.. config.Sources.Select((s, i) => Divide(config, s, i, genomes[i].Genome, whole))]);
    }

    // The one place where files become a genome.
    private static FastaGenome OpenFiles(IReadOnlyList<string> files, string? column, string? where)
    {
        _ = (column, where);
        return FastaGenome.Load(FilePatterns.Expand(files));
    }

    private static DataSource Divide(DataConfig config, SourceConfig source, int index, GenomeSource genome, MixtureGenome whole)
    {
        SplitOptions options = source.HasSplit ? source.Split() : OfData(config, source.Name, genome, whole);
        GenomeSplit split = GenomeSplit.Create(genome, options);
        return new DataSource(source.Name, source.Weight, new GenomeSplit
        {
            Train = whole.FromPart(index, split.Train),
            Validation = whole.FromPart(index, split.Validation),
            Test = whole.FromPart(index, split.Test),
            Warnings = [.. split.Warnings.Select(w => $"{source.Name}: {w}")],
        });
    }

    // Contigs held out of all sources are named as they are, those of one as source/contig.
    private static SplitOptions OfData(DataConfig config, string name, GenomeSource genome, MixtureGenome whole)
    {
        SplitOptions options = config.Split();
        return options with { HoldoutContigs = Own(options.HoldoutContigs), TestContigs = Own(options.TestContigs) };

        IReadOnlyList<string>? Own(IReadOnlyList<string>? names) => names is null ? null :
        [
            .. names.Select(n => n.StartsWith(name + "/", StringComparison.Ordinal) ? n[(name.Length + 1)..] : n)
                .Where((n, i) => genome.IndexOf(n) >= 0 || !KnownElsewhere(names[i])),
        ];

        bool KnownElsewhere(string n) => whole.IndexOf(n) >= 0
            || config.Sources.Any(s => whole.IndexOf($"{s.Name}/{n}") >= 0);
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
