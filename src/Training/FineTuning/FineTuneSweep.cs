using System.Globalization;
using System.Text;
using GenoSeq.Data;
using GenoSeq.Torch.IO;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.FineTuning;

/// <summary>
/// Tries combinations of settings with one seed each, chooses by the validation part alone or by cross-validation over it and the training rows, and runs
/// the chosen one with all seeds and its look at the test part.
/// </summary>
/// <remarks>
/// Candidates are runs of their own in <c>sweep/</c> of the run's folder, so that a sweep goes on where it was interrupted;
/// <c>sweep/candidates.tsv</c> is the table of them.
/// </remarks>
public static class FineTuneSweep
{
    private sealed record Candidate(IReadOnlyList<string> Settings, FineTuneConfig Config)
    {
        internal SelectedWeights? Reached { get; set; }

        internal string? Failed { get; set; }

        internal string Text => string.Join(' ', Settings);
    }

    /// <summary>Sweeps and runs.</summary>
    /// <param name="request">The run; its configuration is that without the sweep's settings.</param>
    /// <param name="axes">Settings and values.</param>
    /// <param name="resolve">The run's configuration with some overrides more.</param>
    /// <param name="folds">Each candidate runs so many times, on all but one fold of the training and validation rows, and the mean decides; 0: once, on the set's own parts.</param>
    /// <param name="say">Is told what happens, in sentences.</param>
    /// <param name="stop">Ends the run; the candidate or seed at hand is lost.</param>
    /// <returns>The chosen candidate's result; or that of a candidate that was interrupted.</returns>
    /// <exception cref="ConfigException">A candidate's settings are no configuration.</exception>
    /// <exception cref="InputDataException">The set cannot be read, or a fold of it cannot be judged.</exception>
    /// <exception cref="TrainingDivergedException">Every candidate diverged.</exception>
    public static FineTuneResult Run(FineTuneRequest request, IReadOnlyList<SweepAxis> axes, Func<IReadOnlyList<string>, FineTuneConfig> resolve,
        int folds, Action<string> say, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(axes);
        ArgumentOutOfRangeException.ThrowIfEqual(folds, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(folds);
        ArgumentNullException.ThrowIfNull(resolve);
        ArgumentNullException.ThrowIfNull(say);
        // Every candidate is known to be possible before the first one runs.
        Candidate[] candidates = [.. SweepAxis.Combine(axes).Select(s => new Candidate(s, resolve(s)))];
        foreach (FineTuneConfig config in candidates.Select(c => FineTuneRun.WithModel(c.Config)))
        {
            if (StartingWeights.Problem(config.Finetune, config.Model) is { } problem)
            {
                throw new ConfigException(problem);
            }
        }

        if (folds > 0)
        {
            RequireFolds(request.Config, folds);
        }

        string run = request.Out ?? FreeName(request);
        string folder = Path.Combine(run, RunFolder.Sweep);
        for (int i = 0; i < candidates.Length; i++)
        {
            say(string.Create(CultureInfo.InvariantCulture, $"candidate {i + 1} of {candidates.Length}: {candidates[i].Text}"));
            if (Try(request, candidates[i], Path.Combine(folder, NameOf(candidates[i])), folds, say, stop) is { } interrupted)
            {
                return interrupted with { Folder = run };
            }
        }

        Candidate best = candidates.Where(c => c.Reached is not null).Aggregate((Candidate?)null, (a, b) => a is null || b.Reached!.IsBetterThan(a.Reached!) ? b : a)
            ?? throw new TrainingDivergedException(0, "the loss of every candidate of the sweep", null);
        AtomicFile.WriteAllText(Path.Combine(folder, "candidates.tsv"), Table(axes, candidates, best));
        say(string.Create(CultureInfo.InvariantCulture,
            $"the sweep chose {best.Text}: validation {best.Reached!.Metric} {best.Reached.Value:F4}, loss {best.Reached.Loss:F4}"));
        return FineTuneRun.Run(request with { Config = best.Config, Out = run, Overrides = [.. request.Overrides, .. best.Settings] }, say, stop);
    }

    private static void RequireFolds(FineTuneConfig config, int folds)
    {
        using GenomeSource? genome = config.Data.Genome.Count > 0 ? GenomeFiles.Open(config.Data.Genome) : null;
        using LabelledSet set = LabelledSets.Open(config.Data.Path, config.Data.Options(genome));
        LabelledChecks.RequireFolds(set, folds, config.Finetune.SplitSeed, "--sweep-folds");
    }

    // What the candidate reached is noted in it; the result is not null where it was interrupted.
    private static FineTuneResult? Try(FineTuneRequest request, Candidate candidate, string folder, int folds, Action<string> say, CancellationToken stop)
    {
        FineTuneConfig config = candidate.Config with { Seeds = 1 };
        var reached = new List<SelectedWeights?>();
        try
        {
            foreach (SetFold? fold in folds == 0 ? [null] : Enumerable.Range(0, folds).Select(f => (SetFold?)new SetFold(folds, f)))
            {
                string own = fold is null ? folder : Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"fold-{fold.Index + 1}-of-{fold.Count}"));
                FineTuneResult result = FineTuneRun.Run(request with
                {
                    Config = config,
                    Out = own,
                    Overrides = [.. request.Overrides, .. candidate.Settings],
                    Bootstrap = null,
                    Fold = fold,
                    ReadTest = false,
                }, say, stop);
                if (result.Reason == EndReason.Interrupted)
                {
                    return result;
                }

                reached.Add(SelectedWeights.Read(own, config.Seed));
            }

            candidate.Reached = SelectedWeights.Mean(reached);
            return null;
        }
        catch (TrainingDivergedException e)
        {
            candidate.Failed = e.Message.Split('\n')[0];
            say($"this candidate is out: {candidate.Failed}");
            return null;
        }
    }

    private static string Table(IReadOnlyList<SweepAxis> axes, Candidate[] candidates, Candidate best)
    {
        string metric = best.Reached!.Metric;
        var text = new StringBuilder();
        text.AppendJoin('\t', (IEnumerable<string>)["chosen", .. axes.Select(a => a.Path), $"validation_{metric}", "validation_loss", "best_step", "note"]).Append('\n');
        foreach (Candidate c in candidates)
        {
            text.AppendJoin('\t', (IEnumerable<string>)[ReferenceEquals(c, best) ? "yes" : "no", .. c.Settings.Select(s => s[(s.IndexOf('=', StringComparison.Ordinal) + 1)..]),
                Number(c.Reached?.Value), Number(c.Reached?.Loss), c.Reached?.Step?.ToString(CultureInfo.InvariantCulture) ?? "", c.Failed ?? ""]).Append('\n');
        }

        return text.ToString();
    }

    private static string Number(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "";

    private static string NameOf(Candidate candidate) => string.Concat(string.Join(',', candidate.Settings)
        .Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '=' or ',' or '+' ? c : '-'));

    private static string FreeName(FineTuneRequest request)
    {
        string first = Path.Combine(request.RunsRoot, RunFolder.NameOf(DateTime.Now, request.Config.Name, (ulong)request.Config.Seed));
        string path = first;
        for (int n = 2; Path.Exists(path); n++)
        {
            path = string.Create(CultureInfo.InvariantCulture, $"{first}-{n}");
        }

        return path;
    }
}
