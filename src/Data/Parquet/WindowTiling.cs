using System.Buffers;
using System.Numerics;

namespace GenoSeq.Data;

/// <summary>Which windows a table of windows has.</summary>
public sealed record WindowTilingOptions
{
    /// <summary>Bases in a window.</summary>
    public int Length { get; init; } = 1024;

    /// <summary>Bases from one window's start to the next; null for <see cref="Length"/>, windows side by side.</summary>
    public int? Stride { get; init; }

    /// <summary>Largest share of letters other than A, C, G, T (either case) that a window may have, 0 to 1.</summary>
    public double MaxN { get; init; } = 1;

    /// <summary>Keep what is shorter than a window at the end of an interval, instead of leaving it out.</summary>
    public bool KeepShort { get; init; }

    /// <summary>Intervals to tile and their parts; null tiles whole contigs.</summary>
    public GenomeSplit? Split { get; init; }

    /// <summary>Every problem with these options; empty if there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        if (Length < 1)
        {
            problems.Add($"the window is {Length} bases; it must be at least 1");
        }
        if (Stride is < 1)
        {
            problems.Add($"the stride is {Stride} bases; it must be at least 1");
        }
        if (!(MaxN is >= 0 and <= 1))
        {
            problems.Add(FormattableString.Invariant($"MaxN is {MaxN}; it must be from 0 to 1"));
        }
        return problems;
    }
}

/// <summary>A window of a tiling.</summary>
/// <param name="Interval">Where it lies.</param>
/// <param name="Part"><c>train</c>, <c>valid</c> or <c>test</c>; null without a split.</param>
public readonly record struct TiledWindow(GenomeInterval Interval, string? Part);

/// <summary>
/// Windows at a fixed stride over the intervals of a genome, by number: intervals in order, starts ascending. A bit a
/// candidate says which are kept; nothing else grows with their number.
/// </summary>
public sealed class WindowTiling
{
    private const int BlockBits = 4096;
    private const int BlockWords = BlockBits / 64;
    private static readonly SearchValues<byte> s_bases = SearchValues.Create("ACGTacgt"u8);

    private readonly int _length;
    private readonly int _stride;
    private readonly List<(GenomeInterval Interval, string? Part)> _intervals = [];
    private readonly List<long> _firstCandidate = [];
    private readonly ulong[]? _kept;
    private readonly long[]? _keptBefore;

    private WindowTiling(GenomeSource genome, WindowTilingOptions options, CancellationToken stop)
    {
        _length = options.Length;
        _stride = options.Stride ?? options.Length;
        long candidates = 0;
        foreach ((GenomeInterval interval, string? part) in Intervals(genome, options))
        {
            long count = CountIn(interval.Length, options.KeepShort);
            if (count > 0)
            {
                _intervals.Add((interval, part));
                _firstCandidate.Add(candidates);
                candidates += count;
            }
        }

        Candidates = candidates;
        Count = candidates;
        if (options.MaxN < 1)
        {
            _kept = new ulong[checked((int)((candidates + 63) / 64))];
            Filter(genome, options.MaxN, stop);
            _keptBefore = new long[((_kept.Length + BlockWords - 1) / BlockWords) + 1];
            for (int w = 0; w < _kept.Length; w++)
            {
                _keptBefore[(w / BlockWords) + 1] += BitOperations.PopCount(_kept[w]);
            }

            for (int b = 1; b < _keptBefore.Length; b++)
            {
                _keptBefore[b] += _keptBefore[b - 1];
            }

            Count = _keptBefore[^1];
        }
    }

    /// <summary>Windows that are kept.</summary>
    public long Count { get; }

    /// <summary>Windows before the filter for unknown bases.</summary>
    public long Candidates { get; }

    /// <summary>The window of a number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such window.</exception>
    public TiledWindow this[long number]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(number);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(number, Count);
            return Candidate(_kept is null ? number : Select(number));
        }
    }

    /// <summary>Tiles a genome; with a filter for unknown bases every candidate is looked at once.</summary>
    /// <exception cref="ArgumentException">The options are invalid.</exception>
    public static WindowTiling Create(GenomeSource genome, WindowTilingOptions options, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(options);
        OptionsProblems.ThrowIfAny(options.Validate(), nameof(options));
        return new WindowTiling(genome, options, stop);
    }

    private static IEnumerable<(GenomeInterval Interval, string? Part)> Intervals(GenomeSource genome, WindowTilingOptions options)
    {
        if (options.Split is null)
        {
            return genome.WholeContigs().Select(i => (i, (string?)null));
        }

        return options.Split.Train.Select(i => (i, (string?)"train"))
            .Concat(options.Split.Validation.Select(i => (i, (string?)"valid")))
            .Concat(options.Split.Test.Select(i => (i, (string?)"test")));
    }

    private long CountIn(long bases, bool keepShort)
    {
        if (bases < _length)
        {
            return keepShort && bases > 0 ? 1 : 0;
        }

        long full = ((bases - _length) / _stride) + 1;
        // What follows the last full window's stride and is not covered by it.
        return keepShort && ((full - 1) * _stride) + _length < bases && full * _stride < bases ? full + 1 : full;
    }

    private TiledWindow Candidate(long candidate)
    {
        int at = _firstCandidate.BinarySearch(candidate);
        at = at < 0 ? ~at - 1 : at;
        (GenomeInterval whole, string? part) = _intervals[at];
        long start = whole.Start + ((candidate - _firstCandidate[at]) * _stride);
        return new TiledWindow(new GenomeInterval(whole.Contig, start, Math.Min(whole.End, start + _length)), part);
    }

    private long Select(long number)
    {
        int block = Array.BinarySearch(_keptBefore!, number);
        if (block < 0)
        {
            block = ~block - 1;
        }
        else
        {
            // Of blocks without kept windows the last one's number is the same: the window is after them.
            while (_keptBefore![block + 1] == number)
            {
                block++;
            }
        }

        long left = number - _keptBefore![block];
        for (int w = block * BlockWords; ; w++)
        {
            ulong word = _kept![w];
            int n = BitOperations.PopCount(word);
            if (left >= n)
            {
                left -= n;
                continue;
            }

            for (; left > 0; left--)
            {
                word &= word - 1;
            }

            return ((long)w * 64) + BitOperations.TrailingZeroCount(word);
        }
    }

    private void Filter(GenomeSource genome, double maxN, CancellationToken stop)
    {
        var parallel = new ParallelOptions { CancellationToken = stop, MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.For(0, (_kept!.Length + BlockWords - 1) / BlockWords, parallel, () => new byte[_length], (block, _, buffer) =>
        {
            long end = Math.Min(Candidates, (block + 1L) * BlockBits);
            for (long c = (long)block * BlockBits; c < end; c++)
            {
                GenomeInterval window = Candidate(c).Interval;
                Span<byte> bases = buffer.AsSpan(0, (int)window.Length);
                genome.Read(window.Contig, window.Start, bases);
                if (Unknown(bases) <= maxN * bases.Length)
                {
                    _kept[c >> 6] |= 1UL << (int)(c & 63);
                }
            }

            return buffer;
        }, _ => { });
    }

    private static int Unknown(ReadOnlySpan<byte> bases)
    {
        int count = 0;
        for (int at; (at = bases.IndexOfAnyExcept(s_bases)) >= 0;)
        {
            bases = bases[at..];
            int run = bases.IndexOfAny(s_bases);
            run = run < 0 ? bases.Length : run;
            count += run;
            bases = bases[run..];
        }

        return count;
    }
}
