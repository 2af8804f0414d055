using GenoSeq.Data;
using GenoSeq.Models.Context;
using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using GenoSeq.Training.Distributed;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Engine;

/// <summary>What a step, a checkpoint and a line of metrics are when several ranks train together.</summary>
public sealed partial class Trainer
{
    // Up to so many ranks have a number of their own in each line of metrics.
    private const int RanksByName = 16;

    private readonly RankGroup _group;
    private readonly GradientBuckets? _buckets;
    private readonly ShardedMoments? _moments;
    private readonly StepTimes? _times;
    private readonly ContextParallel? _context;
    private CancellationToken _stop;

    // Somebody asked one of the ranks to stop: what all of them know since the last step.
    private bool _stopTogether;

    // Neighbours share a window, so that what they hand over stays within a host.
    private ContextParallel? JoinContext(int parts)
    {
        if (parts == 1)
        {
            return null;
        }

        int block = _group.Rank / parts;
        return new ContextParallel(_group.Rank % parts, parts,
            (name, rank, size) => _group.Subgroup(FormattableString.Invariant($"{block}-{name}"), rank, size), _group.Await);
    }

    private string Describe()
    {
        string shared = _context is null ? "" : $", {_context.Size} to a window";
        string state = _moments is null ? "" : ", optimizer state divided";
        return $"ranks: {_group.WorldSize}{shared}, gradients in {_buckets!.Buckets.Length} buckets{state}";
    }

    // The gradients of all ranks' targets are summed unscaled, while the number of these targets travels beside them; the
    // optimizer divides. So nobody waits for a number before work begins.
    private (double Loss, double Norm) StepTogether(Batch batch, ref double weight)
    {
        using DisposeScope scope = NewDisposeScope();
        _group.Doing = FormattableString.Invariant($"step {State.Step + 1}");
        // Ranks that share a window have the same targets: one of them says how many.
        Func<double[]> weights = _group.StartSum(_context is { Rank: > 0 } ? 0 : weight);
        _times!.Mark();
        _graphed = _graph is not null && batch.Count > 0 && _graph.Takes(batch, _observer.Say);
        _buckets!.Zero();
        IReadOnlyList<LossTotals> totals = _graphed ? _graph!.Run(batch) : Backward(batch, 1);
        _buckets.StartRest();
        _times.Mark();
        _buckets.Wait();
        weight = weights()[0];
        _times.Mark();
        double share = 1 / Math.Max(weight, 1e-30);
        (double, double) result = _deviceStep is not null && _moments is null
            ? StepOnDeviceTogether(totals, share)
            : StepOnHostTogether(totals, share);
        _times.EndStep();
        return result;
    }

    private (double Loss, double Norm) StepOnDeviceTogether(IReadOnlyList<LossTotals> totals, double share)
    {
        double[] norm = _optimizer.step_clipped(_config.Train.ClipNorm, share).cpu().ToArray<double>();
        return (Check(share * SumTogether(totals)), Check(norm[0], norm[1]));
    }

    private (double Loss, double Norm) StepOnHostTogether(IReadOnlyList<LossTotals> totals, double share)
    {
        double loss = Check(share * SumTogether(totals));
        double norm = Check(share * (_moments is null
            ? Optimization.GradientNorm(Model)
            : Math.Sqrt(_group.Sum(_moments.SquaredNorm())[0])), 1);
        double clip = _config.Train.ClipNorm;
        _optimizer.step(share * (clip > 0 && norm > clip ? clip / norm : 1));
        if (_moments is not null)
        {
            _times!.Mark();
            _moments.GatherParameters();
            _times.Mark();
        }

        return (loss, norm);
    }

    // Of the loss; with it travels whether somebody asked to stop. What is not finite on one rank is so in the sum on all.
    private double SumTogether(IReadOnlyList<LossTotals> totals)
    {
        double[] sums = _group.Sum(totals.Sum(t => t.LossSum), _stop.IsCancellationRequested ? 1 : 0);
        _stopTogether = sums[1] > 0;
        return sums[0];
    }

    // The lowest rank's answer; with sharded gradients each knows its own shard.
    private string? FirstNotFinite(Func<nn.Parameter, Tensor?> of)
    {
        string? here = Optimization.FirstNotFinite(Model, of);
        return _group.IsAlone ? here : Array.Find(_group.Gather(here ?? ""), n => n.Length > 0);
    }

    private string? SaveTogether(bool isBest)
    {
        _group.Doing = FormattableString.Invariant($"checkpoint of step {State.Step}");
        using DisposeScope scope = NewDisposeScope();
        using Tensor rng = get_rng_state();
        byte[][] random = _group.Gather(rng.ToArray<byte>());
        Dictionary<string, (Tensor, Tensor)>? moments = _moments?.GatherMoments(_optimizer, _group);
        try
        {
            return _group.Together("writing a checkpoint", () => _store?.Save(State, Model,
                moments is null ? _optimizer.State : Ordered(moments), random, isBest));
        }
        finally
        {
            foreach ((Tensor m, Tensor v) in moments?.Values.ToArray() ?? [])
            {
                m.Dispose();
                v.Dispose();
            }
        }
    }

    // In the order in which an optimizer of whole parameters has them, so that the file does not tell the difference.
    private IEnumerable<(string, Tensor, Tensor)> Ordered(Dictionary<string, (Tensor M, Tensor V)> moments) =>
        Optimization.Order(Model).Where(moments.ContainsKey).Select(n => (n, moments[n].M, moments[n].V));

    // What each rank's steps took since the last line; nothing alone.
    private List<(string Key, double Value)> RankNumbers(double speed)
    {
        if (_times is null)
        {
            return [];
        }

        (double compute, double communication) = _times.Take();
        double data = 1e3 * _waitOfLine / Math.Max(1, _stepsOfLine);
        double[][] all = _group.Gather(compute, communication, data);
        // Whom the others wait for: a rank that waits for its batches holds them up too.
        double[] own = [.. all.Select(r => r[0] + r[2])];
        int slowest = Array.IndexOf(own, own.Max());
        var values = new List<(string, double)>
        {
            ("perf/tokens_per_s_per_rank", speed / _group.WorldSize),
            ("perf/compute_ms", all.Average(r => r[0])),
            ("perf/communication_ms", all.Average(r => r[1])),
            ("perf/slowest_rank", slowest),
            ("perf/slowest_ms", own[slowest]),
        };
        for (int r = 0; r < own.Length && own.Length <= RanksByName; r++)
        {
            values.Add((FormattableString.Invariant($"perf/own_ms/rank_{r}"), own[r]));
        }

        return values;
    }
}
