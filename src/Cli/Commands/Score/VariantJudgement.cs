using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Inference.Variants;
using GenoSeq.Training.Evaluation.Metrics;

namespace GenoSeq.Cli.Commands.Score;

/// <summary>
/// Scores beside labels: AUROC of classes (a low likelihood ratio speaks for the positive class), or correlations with numbers. The same for
/// simple baselines.
/// </summary>
internal sealed class VariantJudgement(ScoreSettings settings, VariantBaselines baselines)
{
    private readonly List<double[]> _scores = [];
    private readonly List<double> _labels = [];
    private string? _wrong;
    private bool _distance;

    internal void Add(VariantRecord record, VariantScore[] scores)
    {
        for (int i = 0; i < scores.Length; i++)
        {
            if (scores[i].Status != VariantStatus.Scored || record.Label is not { } text || LabelOf(text) is not { } label)
            {
                continue;
            }

            VariantAllele allele = record.Alternatives[i].Allele;
            _distance = double.IsNaN(scores[i].Alternative);
            _scores.Add([scores[i].Score, baselines.CountDifference(allele), VariantBaselines.GcChange(allele)]);
            _labels.Add(label);
        }
    }

    internal void Write(CommandContext context)
    {
        if (_wrong is not null && _labels.Count == 0)
        {
            throw new InputDataException($"label '{_wrong}' is no number", settings.Label, "numbers, or classes with --positive", "--positive " + _wrong);
        }

        bool classes = settings.Positive.Count > 0;
        string[] columns = classes ? ["predictor", "variants", "positive", "auroc"] : ["predictor", "variants", "spearman", "pearson", "spearman_absolute"];
        var table = new ConsoleTable([.. columns.Select((c, i) => i == 0 ? c : ">" + c)]);
        var rows = new List<string[]>();
        string[] names = ["model", baselines.CountModel, "gc"];
        for (int k = 0; k < names.Length; k++)
        {
            double[] values = [.. _scores.Select(s => s[k])];
            string n = values.Length.ToString(CultureInfo.InvariantCulture);
            string[] row = classes
                ? [names[k], n, _labels.Count(l => l == 1).ToString(CultureInfo.InvariantCulture), Text(Auroc(values, k == 0 && _distance ? 1 : -1))]
                : [names[k], n, .. Correlations(values)];
            table.Add(row);
            rows.Add(row);
        }

        if (settings.Out != AtomicOutput.StandardOutput)
        {
            table.WriteToOut(context.Streams);
        }

        if (settings.Report is not null)
        {
            using TableWriter report = TableWriter.Create(settings.Report, [.. columns.Select(c => new TableColumn(c))], new TableWriterOptions { Output = settings.Output });
            rows.ForEach(r => report.Write([.. r.Select(c => (TableCell)c)]));
            report.Commit();
        }
        else if (settings.Out == AtomicOutput.StandardOutput)
        {
            rows.ForEach(r => context.Reporter.Info(string.Join("  ", columns.Zip(r, (c, v) => $"{c} {v}"))));
        }
    }

    private double? LabelOf(string text)
    {
        if (settings.Positive.Count > 0)
        {
            return settings.Positive.Contains(text) ? 1 : settings.Negative.Count == 0 || settings.Negative.Contains(text) ? 0 : null;
        }

        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value))
        {
            return value;
        }

        _wrong ??= text;
        return null;
    }

    // Only the order of the scores counts, so their ranks stand for probabilities.
    private double? Auroc(double[] values, int sign)
    {
        double[] distinct = [.. values.Select(v => sign * v).Distinct().Order()];
        double[] probabilities = new double[2 * values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            double p = (Array.BinarySearch(distinct, sign * values[i]) + 1.0) / (distinct.Length + 1.0);
            (probabilities[2 * i], probabilities[(2 * i) + 1]) = (1 - p, p);
        }

        return MetricSet.Of(new ClassPredictions(2, [.. _labels.Select(l => (int)l)], probabilities)).Value("auroc");
    }

    private string[] Correlations(double[] values)
    {
        MetricSet signed = MetricSet.Of(new RegressionPredictions(1, [.. _labels], values));
        MetricSet absolute = MetricSet.Of(new RegressionPredictions(1, [.. _labels.Select(Math.Abs)], [.. values.Select(Math.Abs)]));
        return [Text(signed.Value("spearman")), Text(signed.Value("pearson")), Text(absolute.Value("spearman"))];
    }

    private static string Text(double? value) => value?.ToString("F4", CultureInfo.InvariantCulture) ?? "-";
}
