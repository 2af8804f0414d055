using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Training.Evaluation;

/// <summary>One row of the final table.</summary>
/// <param name="Name">A baseline, or the model.</param>
/// <param name="Description">What it is.</param>
/// <param name="BitsPerBase">Mean bits at the compared positions.</param>
public sealed record ReportRow(string Name, string Description, double BitsPerBase);

/// <summary>The final table.</summary>
/// <param name="Rows">Baselines, then the model.</param>
/// <param name="Positions">How many bases were compared; the same ones for every row.</param>
/// <param name="MustBeat">The row that the model has to be below, or null.</param>
public sealed record ReportTable(IReadOnlyList<ReportRow> Rows, long Positions, ReportRow? MustBeat)
{
    /// <summary>The model's row.</summary>
    public ReportRow Model => Rows[^1];

    /// <summary>False when the model is not below the row that it must beat.</summary>
    public bool Passed => MustBeat is null || Model.BitsPerBase < MustBeat.BitsPerBase;
}

/// <summary>
/// Compares a model with statistical ones at the same held-out positions. These are fitted on the same training part and
/// see the true bases around a position, or before it, within the model's window; the model sees its own corrupted input. The comparison favours the baselines.
/// </summary>
public static class BaselineReport
{
    /// <summary>Fits a baseline on the training part.</summary>
    /// <param name="name">flank-K, markov-K, mixed or mixed-K.</param>
    /// <param name="data">The run's data.</param>
    /// <param name="bothStrands">Count the reverse complement too.</param>
    public static IBaseline Fit(string name, TrainingData data, bool bothStrands = true)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (!BaselineName.TryParse(name, out BaselineName b))
        {
            throw new ArgumentException($"'{name}' is no baseline", nameof(name));
        }

        if (b.Kind == BaselineKind.Mixed)
        {
            var mixed = new MixedOrderModel(MixedOrderOptions.UpTo(b.K) with { BothStrands = bothStrands }, data.TrainBases);
            mixed.Fit(data.Genome, data.Split.Train);
            return mixed;
        }

        var counting = new CountModelOptions { BothStrands = bothStrands };
        CountModel model = b.Kind == BaselineKind.Flank ? new FlankCountModel(b.K, counting) : new MarkovModel(b.K, counting);
        model.Fit(data.Genome, data.Split.Train);
        return model;
    }

    /// <summary>Makes the table on the beginning of the validation part.</summary>
    /// <param name="config">Which baselines, how many tokens.</param>
    /// <param name="model">The trained model.</param>
    /// <param name="data">The run's data.</param>
    /// <param name="batchSize">Windows at a time.</param>
    public static ReportTable Run(RunConfig config, SequenceModel model, TrainingData data, int batchSize)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(data);
        (string Name, IBaseline Model)[] baselines = [.. config.Report.Baselines.Select(b => (b, Fit(b, data, config.Report.BothStrands)))];
        double[] sums = new double[baselines.Length];
        long positions = 0;
        long windows = Math.Clamp(config.Report.Tokens / config.Data.ContextLength, 1, data.ValidationSampler!.WindowsPerEpoch(0));
        int shift = config.Objective.Kind == ObjectiveKind.Causal ? 1 : 0;
        EvaluationResult result = Evaluator.Run(model, data.ValidationBuilder!, windows, batchSize, (batch, _) =>
        {
            byte[] bases = new byte[batch.Length + 1];
            for (int i = 0; i < batch.Count; i++)
            {
                positions += Score(data.Genome, data.ValidationSampler.PackSegments, batch, i, shift, bases, baselines, sums);
            }
        });
        if (positions != result.Targets)
        {
            throw new InvalidOperationException($"the baselines scored {positions} bases and the model {result.Targets}");
        }

        var rows = new List<ReportRow> { new("uniform", "every base equally likely", 2) };
        for (int k = 0; k < baselines.Length; k++)
        {
            rows.Add(new ReportRow(baselines[k].Name, Describe(baselines[k].Name), sums[k] / positions));
        }

        rows.Add(new ReportRow(config.Model.Family(), $"this model, {model.NumParameters:N0} parameters", result.BitsPerBase));
        return new ReportTable(rows, positions, rows.Find(r => r.Name == config.Report.MustBeat));
    }

    /// <summary>Bits per base of one baseline, fitted on the training part, at the targets of held-out windows.</summary>
    /// <param name="name">The baseline.</param>
    /// <param name="data">Whose training part it is fitted on.</param>
    /// <param name="builder">Makes the held-out batches.</param>
    /// <param name="sampler">Their windows.</param>
    /// <param name="windows">How many of them.</param>
    /// <param name="causal">Labels are those of the next base.</param>
    internal static double Bits(string name, TrainingData data, BatchBuilder builder, IWindowSampler sampler, long windows, bool causal)
    {
        (string, IBaseline)[] models = [(name, Fit(name, data))];
        double[] sums = new double[1];
        long positions = 0;
        byte[] bases = new byte[builder.Length + 1];
        Batch batch = builder.CreateBatch(1);
        for (long w = 0; w < windows; w++)
        {
            builder.Fill(new SampleRange(w, 1), batch);
            positions += Score(data.Genome, sampler.PackSegments, batch, 0, causal ? 1 : 0, bases, models, sums);
        }

        return positions > 0 ? sums[0] / positions : double.NaN;
    }

    private delegate ReadOnlySpan<GenomeInterval> SegmentsOf(int pack);

    private static long Score(GenomeSource genome, SegmentsOf segments, Batch batch, int row, int shift, byte[] buffer,
        (string Name, IBaseline Model)[] baselines, double[] sums)
    {
        SampleWindow window = batch.Windows[row];
        int rowStart = (row * batch.Length) + window.PadLeft;
        if (window.Pack < 0)
        {
            int length = window.Length + (shift > 0 && window.HasNext ? 1 : 0);
            genome.Read(window.Contig, window.Start, buffer.AsSpan(0, length));
            return Score(buffer.AsSpan(0, length), batch.Labels.AsSpan(rowStart, window.Length), shift, baselines, sums);
        }

        // Every segment of a pack is scored by itself, as the model sees it.
        long positions = 0;
        foreach (GenomeInterval segment in segments(window.Pack))
        {
            Span<byte> bases = buffer.AsSpan(0, (int)segment.Length);
            genome.Read(segment.Contig, segment.Start, bases);
            positions += Score(bases, batch.Labels.AsSpan(rowStart, bases.Length), shift, baselines, sums);
            rowStart += bases.Length;
        }

        return positions;
    }

    private static long Score(ReadOnlySpan<byte> bases, ReadOnlySpan<int> labels, int shift,
        (string Name, IBaseline Model)[] baselines, double[] sums)
    {
        double[] bits = new double[bases.Length];
        long positions = 0;
        for (int k = 0; k < baselines.Length; k++)
        {
            baselines[k].Model.Bits(bases, bits);
            for (int t = 0; t < labels.Length; t++)
            {
                sums[k] += labels[t] < 0 ? 0 : bits[t + shift];
            }
        }

        foreach (int label in labels)
        {
            positions += label < 0 ? 0 : 1;
        }

        return positions;
    }

    private static string Describe(string name) => !BaselineName.TryParse(name, out BaselineName b) ? name : b.Kind switch
    {
        BaselineKind.Flank => $"counts, {b.K} bases on each side",
        BaselineKind.Mixed => $"DNA compressor, up to {b.K} bases before and repeats",
        _ => $"counts, Markov order {b.K}",
    };
}
