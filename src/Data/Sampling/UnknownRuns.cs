using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace GenoSeq.Data;

/// <summary>Runs of unknown bases (all but A, C, G, T and U) of a genome: scanned once a contig, then remembered.</summary>
/// <remarks>
/// A contig's runs are remembered while they are few beside its bases (an assembly's gaps are); runs of a contig with
/// more of them are found again each time, so that memory stays below a hundredth of the genome whatever it holds.
/// </remarks>
internal sealed class UnknownRuns
{
    private const int Chunk = 1 << 20;

    // 16 bytes a run: at most 1/64 of the contig's own bytes.
    private const int BasesPerRunKept = 1024;

    private static readonly SearchValues<byte> s_known = SearchValues.Create("ACGTUacgtu"u8);
    private static readonly ConditionalWeakTable<GenomeSource, UnknownRuns> s_ofGenome = [];

    private readonly long[]?[] _boundaries;
    private readonly bool[] _isDense;

    private UnknownRuns(GenomeSource genome)
    {
        _boundaries = new long[]?[genome.Contigs.Count];
        _isDense = new bool[genome.Contigs.Count];
    }

    /// <summary>The runs of a genome; the same object for the same genome.</summary>
    internal static UnknownRuns Of(GenomeSource genome) => s_ofGenome.GetValue(genome, static g => new UnknownRuns(g));

    /// <summary>Scans contigs that have not been scanned, several at a time.</summary>
    internal void Prepare(GenomeSource genome, IEnumerable<int> contigs)
    {
        int[] missing = [.. contigs.Distinct().Where(c => _boundaries[c] is null && !_isDense[c])];
        // Long contigs first, so that the last thread to end is not the one that began with the longest.
        Array.Sort(missing, (a, b) => genome.LengthOf(b).CompareTo(genome.LengthOf(a)));
        try
        {
            Parallel.ForEach(Partitioner.Create(missing, loadBalance: true), c => Scan(genome, c));
        }
        catch (AggregateException e)
        {
            // A file that cannot be read says so itself, wherever it was read.
            ExceptionDispatchInfo.Throw(e.Flatten().InnerExceptions[0]);
        }
    }

    /// <summary>
    /// The borders of the runs inside an interval, ascending, clipped to it: start, end, start, end. Equal to what a scan
    /// of the interval alone would give.
    /// </summary>
    internal IEnumerable<long> Boundaries(GenomeSource genome, GenomeInterval interval)
    {
        if (_boundaries[interval.Contig] is not { } known)
        {
            return Find(genome, interval);
        }
        return known.Length == 0 ? [] : Clip(known, interval);
    }

    /// <summary>Unknown bases in an interval.</summary>
    internal long Count(GenomeSource genome, GenomeInterval interval)
    {
        long count = 0;
        long sign = -1;
        foreach (long boundary in Boundaries(genome, interval))
        {
            count += sign * boundary;
            sign = -sign;
        }
        return count;
    }

    private static IEnumerable<long> Clip(long[] known, GenomeInterval interval)
    {
        // The first run whose end lies behind the interval's start: ends stand at odd places.
        int low = 0;
        int high = known.Length / 2;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (known[2 * middle + 1] <= interval.Start)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        for (int i = 2 * low; i < known.Length && known[i] < interval.End; i += 2)
        {
            yield return Math.Max(known[i], interval.Start);
            yield return Math.Min(known[i + 1], interval.End);
        }
    }

    private void Scan(GenomeSource genome, int contig)
    {
        long length = genome.LengthOf(contig);
        var found = new List<long>();
        foreach (long boundary in Find(genome, new GenomeInterval(contig, 0, length)))
        {
            found.Add(boundary);
            if (found.Count / 2 > 64 + length / BasesPerRunKept)
            {
                _isDense[contig] = true;
                return;
            }
        }
        _boundaries[contig] = [.. found];
    }

    private static IEnumerable<long> Find(GenomeSource genome, GenomeInterval interval)
    {
        byte[] buffer = new byte[(int)Math.Min(Chunk, Math.Max(1, interval.Length))];
        bool inRun = false;
        for (long at = interval.Start; at < interval.End;)
        {
            int n = (int)Math.Min(buffer.Length, interval.End - at);
            genome.Read(interval.Contig, at, buffer.AsSpan(0, n));
            int i = 0;
            while (true)
            {
                int next = inRun ? buffer.AsSpan(i, n - i).IndexOfAny(s_known) : buffer.AsSpan(i, n - i).IndexOfAnyExcept(s_known);
                if (next < 0)
                {
                    break;
                }
                i += next;
                inRun = !inRun;
                yield return at + i;
            }
            at += n;
        }
        if (inRun)
        {
            yield return interval.End;
        }
    }
}
