using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Inference;
using GenoSeq.Inference.Scoring;

namespace GenoSeq.Cli.Commands.Score;

/// <summary>Scores sequences: a row for each, and if wanted a value for each base.</summary>
internal static class ScoreSequences
{
    private static readonly TableColumn[] s_columns =
    [
        new("id"), new("length", TableType.Integer), new("scored_bases", TableType.Integer), new("log_likelihood", TableType.Number),
        new("bits_per_base", TableType.Number),
    ];

    internal static void Run(CommandContext context, ScoreSettings settings, GenoSeqModel model)
    {
        var run = new ScoreRun(model.Model, settings.Likelihood);
        using TableWriter table = TableWriter.Create(settings.Out, s_columns,
            new TableWriterOptions { Output = settings.Output, Metadata = model.Metadata(("strand", settings.Likelihood.Strand.ToString().ToLowerInvariant())) });
        using BedGraphWriter? graph = settings.PerBase is null ? null : BedGraphWriter.Create(settings.PerBase, settings.Output);
        long total = settings.Input.Genome is { } genome && settings.Input.Bed is null && settings.Input.Regions.Count == 0 ? genome.TotalBases : 0;
        var progress = new InferenceProgress(context, total, "base");
        long sequences = 0;
        long scored = 0;
        double sum = 0;
        PerBaseValues? perBase = graph is null ? null : (item, start, values) => graph.Write(item.Contig, item.Start + start, values);
        foreach (SequenceScore s in run.Run(ScoreInputs.Read(settings.Input), perBase, progress.Add, context.Stop))
        {
            table.Write(s.Item.Id, s.Item.Length, s.Scored, s.Scored == 0 ? double.NaN : s.LogLikelihood, s.BitsPerBase);
            sequences++;
            scored += s.Scored;
            sum += s.LogLikelihood;
        }

        progress.End();
        table.Commit();
        graph?.Commit();
        double bits = scored == 0 ? double.NaN : -sum / scored / Math.Log(2);
        context.Reporter.Info(string.Create(CultureInfo.InvariantCulture,
            $"{sequences:N0} sequences, {scored:N0} bases scored, {bits:F4} bits per base, {progress.Rate:N0} bases/s"));
    }
}
