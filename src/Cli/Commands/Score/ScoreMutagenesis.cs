using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Inference;
using GenoSeq.Inference.Variants;

namespace GenoSeq.Cli.Commands.Score;

/// <summary>Scores every base change of regions: a row for each position, a column for each base.</summary>
internal static class ScoreMutagenesis
{
    private static readonly TableColumn[] s_columns =
    [
        new("contig"), new("pos", TableType.Integer), new("ref"), new("A", TableType.Number), new("C", TableType.Number), new("G", TableType.Number), new("T", TableType.Number),
    ];

    internal static void Run(CommandContext context, ScoreSettings settings, GenoSeqModel model, GenomeSource genome)
    {
        GenomeInterval[] regions = settings.Region is not null ? [GenomeRegion.Parse(settings.Region, genome)]
            : genome is PlacedGenome placed ? [.. placed.Pieces]
            : [.. genome.WholeContigs()];
        if (settings.Svg is not null && regions.FirstOrDefault(r => r.Length > HeatMap.MaxPositions) is { Length: > 0 } longest)
        {
            throw new InputDataException($"{longest.Length} positions are too many for a heat map", settings.Region, $"at most {HeatMap.MaxPositions}", "a shorter region, or without --svg");
        }

        VariantScorer scorer = ScoreVariantFile.ScorerOf(settings, model, genome);
        string measure = scorer.Method switch
        {
            VariantMethod.Llr => "log-likelihood ratio",
            VariantMethod.Delta => "log-likelihood difference",
            _ => "L2 distance",
        };
        using TableWriter table = TableWriter.Create(settings.Out, s_columns,
            new TableWriterOptions { Output = settings.Output, Metadata = model.Metadata(("measure", measure)) });
        var progress = new InferenceProgress(context, regions.Sum(r => r.Length), "position");
        for (int i = 0; i < regions.Length; i++)
        {
            MutagenesisResult result = Mutagenesis.Run(scorer, genome, regions[i], progress.Add, context.Stop);
            for (int p = 0; p < result.Reference.Length; p++)
            {
                double[] e = result.Effects;
                table.Write(result.Contig, result.Start + p + 1, ((char)result.Reference[p]).ToString(), e[4 * p], e[(4 * p) + 1], e[(4 * p) + 2], e[(4 * p) + 3]);
            }

            if (settings.Svg is not null)
            {
                string name = regions.Length == 1 ? settings.Svg : Path.ChangeExtension(settings.Svg, null) + string.Create(CultureInfo.InvariantCulture, $"-{i + 1}.svg");
                WritePicture(name, HeatMap.Draw(result, measure), settings.Output);
            }
        }

        progress.End();
        table.Commit();
        context.Reporter.Info(string.Create(CultureInfo.InvariantCulture, $"{regions.Sum(r => r.Length):N0} positions of {regions.Length} regions, {progress.Rate:N1} positions/s"));
    }

    private static void WritePicture(string name, string svg, OutputOptions options)
    {
        using AtomicOutput output = AtomicOutput.Create(name, options);
        output.Stream.Write(System.Text.Encoding.UTF8.GetBytes(svg));
        output.Commit();
    }
}
