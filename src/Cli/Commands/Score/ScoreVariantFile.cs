using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Inference;
using GenoSeq.Inference.Variants;

namespace GenoSeq.Cli.Commands.Score;

/// <summary>Scores the variants of a VCF file or a table, and judges the scores where labels are known.</summary>
internal sealed class ScoreVariantFile(CommandContext context, ScoreSettings settings, GenoSeqModel model, GenomeSource genome, GenomeSource fitted)
{
    internal void Run()
    {
        VariantScorer scorer = ScorerOf(settings, model, genome);
        VcfVariants? vcf = settings.Vcf is null ? null : new VcfVariants(settings.Label) { Path = settings.Vcf };
        VariantSource source = vcf ?? (VariantSource)TableVariants.Open(settings.Table!, settings.Label);
        var run = new VariantRun(scorer, genome, settings.AllowMismatch, context.Reporter.Info);
        var progress = new InferenceProgress(context, 0, "variant");
        VariantJudgement? judgement = settings.Label is null ? null : new VariantJudgement(settings, new VariantBaselines(genome, fitted, stop: context.Stop));
        VariantOutput? output = null;
        try
        {
            foreach ((VariantRecord record, VariantScore[] scores) in run.Run(source, progress.Add, context.Stop))
            {
                output ??= Begin(source, vcf, scorer.Method);
                output.Write(record, scores);
                judgement?.Add(record, scores);
            }

            progress.End();
            // Of a file without records the header is left.
            output ??= Begin(source, vcf, scorer.Method);
            output.Commit();
        }
        finally
        {
            output?.Dispose();
        }

        context.Reporter.Info(run.Counts.ToString());
        context.Reporter.Info(string.Create(CultureInfo.InvariantCulture, $"{progress.Rate:N1} variants/s"));
        judgement?.Write(context);
    }

    internal static VariantScorer ScorerOf(ScoreSettings settings, GenoSeqModel model, GenomeSource genome)
    {
        try
        {
            return new VariantScorer(model.Model, genome, settings.Variants);
        }
        catch (ArgumentException e)
        {
            throw new Training.Configuration.ConfigException(new Training.Configuration.ConfigProblem("--method", e.Message.Split(" (Parameter")[0], null,
                "a method that fits the model", "--method auto"));
        }
    }

    private VariantOutput Begin(VariantSource source, VcfVariants? vcf, VariantMethod method)
    {
        string name = settings.Out;
        bool asVcf = name.EndsWith(".vcf", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".vcf.gz", StringComparison.OrdinalIgnoreCase);
        if (asVcf && vcf is null)
        {
            throw new Training.Configuration.ConfigException(new Training.Configuration.ConfigProblem("--out", "a table cannot be written as VCF", null,
                "a TSV or Parquet file", "--out scores.tsv"));
        }

        string how = string.Create(CultureInfo.InvariantCulture,
            $"version={AppVersion.Text};model={model.Digest};method={method.ToString().ToLowerInvariant()};context={settings.Variants.Context};strand={settings.Variants.Strand.ToString().ToLowerInvariant()}");
        return asVcf
            ? VariantOutput.Vcf(name, vcf!, method, how, settings.Output)
            : VariantOutput.Table(name, source, method, new TableWriterOptions { Output = settings.Output, Metadata = model.Metadata(("score", how)) });
    }
}
