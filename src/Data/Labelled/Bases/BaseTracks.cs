namespace GenoSeq.Data;

/// <summary>
/// Labels of bases from BED files over a genome: a file is a class, called as the file; bases that no file covers are
/// <see cref="None"/>, and where files overlap the last one says.
/// </summary>
/// <remarks>
/// Of a line with blocks (BED12) the blocks count. A line with a strand labels only rows of that strand, or of none.
/// </remarks>
internal sealed class BaseTracks
{
    /// <summary>The class of bases that no file covers.</summary>
    internal const string None = "none";

    private readonly Track[] _tracks;

    // Intervals by contig of the genome, by start; reach: the largest end so far, so that a search knows where to begin.
    private sealed record Track(byte Label, (long Start, long End, Strand Strand)[][] Intervals, long[][] Reach);

    private BaseTracks(Track[] tracks, byte none) => (_tracks, NoneLabel) = (tracks, none);

    private byte NoneLabel { get; }

    /// <summary>Reads the files.</summary>
    /// <exception cref="InputDataException">A file cannot be read, names a contig that the genome lacks, or reaches beyond one.</exception>
    internal static BaseTracks Read(IReadOnlyList<string> files, GenomeSource genome, LabelTexts texts)
    {
        byte none = BaseLabelRows.NumberOf(System.Text.Encoding.UTF8.GetBytes(None), texts, 0, 0);
        return new BaseTracks([.. files.Select(f => ReadFile(f, genome, BaseLabelRows.NumberOf(System.Text.Encoding.UTF8.GetBytes(NameOf(f)), texts, 0, 0)))], none);
    }

    /// <summary>Name of a file's class.</summary>
    internal static string NameOf(string file)
    {
        string name = Path.GetFileName(file);
        int end = name.IndexOf(".bed", StringComparison.OrdinalIgnoreCase);
        return end > 0 ? name[..end] : name;
    }

    /// <summary>Labels of a place's bases, in the reading direction of its strand.</summary>
    internal void Label(LabelledSource place, Span<byte> labels)
    {
        labels.Fill(NoneLabel);
        (long from, long to) = (place.Interval.Start, place.Interval.End);
        foreach (Track track in _tracks)
        {
            (long Start, long End, Strand Strand)[] intervals = track.Intervals[place.Interval.Contig];
            long[] reach = track.Reach[place.Interval.Contig];
            // The first interval that may reach into the place: ends so far only grow.
            int i = Array.BinarySearch(reach, from);
            i = i >= 0 ? i : ~i;
            for (; i < intervals.Length && intervals[i].Start < to; i++)
            {
                (long start, long end, Strand strand) = intervals[i];
                bool other = strand != Strand.None && place.Strand != Strand.None && strand != place.Strand;
                if (!other && end > from)
                {
                    (long first, long last) = (Math.Max(start, from), Math.Min(end, to));
                    labels.Slice((int)(first - from), (int)(last - first)).Fill(track.Label);
                }
            }
        }

        if (place.Strand == Strand.Reverse)
        {
            labels.Reverse();
        }
    }

    private static Track ReadFile(string file, GenomeSource genome, byte label)
    {
        var intervals = new List<(long, long, Strand)>[genome.Contigs.Count];
        using BedReader bed = BedReader.Open(file);
        while (bed.Read())
        {
            int contig = ContigAlias.IndexOf(genome, bed.Contig);
            if (contig < 0)
            {
                throw MissingContig.Error(genome, bed.Contig, bed.Where);
            }

            if (bed.End > genome.LengthOf(contig))
            {
                throw new InputDataException($"end {bed.End} is beyond contig '{bed.Contig}' of {genome.LengthOf(contig)} bases", bed.Where,
                    "places inside the contig", "check that the genome is the right assembly");
            }

            List<(long, long, Strand)> list = intervals[contig] ??= [];
            foreach (BedBlock block in bed.Blocks)
            {
                list.Add((block.Start, block.End, bed.Strand));
            }

            if (bed.Blocks.IsEmpty)
            {
                list.Add((bed.Start, bed.End, bed.Strand));
            }
        }

        (long Start, long End, Strand Strand)[][] sorted = [.. intervals.Select(l => l is null ? [] : l.OrderBy(i => i.Item1).ToArray())];
        return new Track(label, sorted, Array.ConvertAll(sorted, Reach));
    }

    private static long[] Reach((long Start, long End, Strand Strand)[] intervals)
    {
        var reach = new long[intervals.Length];
        long largest = 0;
        for (int i = 0; i < reach.Length; i++)
        {
            reach[i] = largest = Math.Max(largest, intervals[i].End);
        }

        return reach;
    }
}
