using System.Globalization;

namespace GenoSeq.Data;

/// <summary>Writes genomes and windows of them in the plain formats: FASTA, BED and npy.</summary>
public static class WindowExport
{
    private const int CopyBytes = 1 << 20;

    /// <summary>All contigs as FASTA; BGZF if the name ends in .gz.</summary>
    /// <returns>Records written.</returns>
    /// <exception cref="OutputException">The output exists, or cannot be written.</exception>
    public static long WriteFasta(GenomeSource genome, string path, FastaWriterOptions options, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(genome);
        using FastaWriter writer = FastaWriter.Create(path, options);
        byte[] buffer = new byte[CopyBytes];
        for (int c = 0; c < genome.Contigs.Count; c++)
        {
            Contig contig = genome.Contigs[c];
            writer.BeginRecord(contig.Name);
            for (long start = 0; start < contig.Length; start += CopyBytes)
            {
                stop.ThrowIfCancellationRequested();
                Span<byte> bases = buffer.AsSpan(0, (int)Math.Min(CopyBytes, contig.Length - start));
                genome.Read(c, start, bases);
                writer.Append(bases);
            }
        }

        writer.Commit();
        return genome.Contigs.Count;
    }

    /// <summary>Windows as FASTA, each called <c>contig:start-end</c> as samtools does (1-based, end included).</summary>
    /// <returns>Records written.</returns>
    /// <exception cref="OutputException">The output exists, or cannot be written.</exception>
    public static long WriteFasta(GenomeSource genome, WindowTiling windows, string path, FastaWriterOptions options, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(windows);
        using FastaWriter writer = FastaWriter.Create(path, options);
        byte[] buffer = [];
        for (long i = 0; i < windows.Count; i++)
        {
            stop.ThrowIfCancellationRequested();
            GenomeInterval window = windows[i].Interval;
            int length = (int)window.Length;
            buffer = buffer.Length < length ? new byte[length] : buffer;
            genome.Read(window.Contig, window.Start, buffer.AsSpan(0, length));
            writer.WriteRecord(string.Create(CultureInfo.InvariantCulture, $"{genome.Contigs[window.Contig].Name}:{window.Start + 1}-{window.End}"), buffer.AsSpan(0, length));
        }

        writer.Commit();
        return windows.Count;
    }

    /// <summary>The windows' places as BED; the fourth column is the split where there is one.</summary>
    /// <returns>Lines written.</returns>
    /// <exception cref="OutputException">The output exists, or cannot be written.</exception>
    public static long WriteBed(GenomeSource genome, WindowTiling windows, string path, OutputOptions output, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(windows);
        using BedWriter writer = BedWriter.Create(path, output);
        for (long i = 0; i < windows.Count; i++)
        {
            stop.ThrowIfCancellationRequested();
            TiledWindow window = windows[i];
            string contig = genome.Contigs[window.Interval.Contig].Name;
            if (window.Part is null)
            {
                writer.Write(contig, window.Interval.Start, window.Interval.End);
            }
            else
            {
                writer.Write(contig, window.Interval.Start, window.Interval.End, window.Part);
            }
        }

        writer.Commit();
        return windows.Count;
    }

    /// <summary>The windows' letters as an npy array of bytes [windows, length]; all windows have one length.</summary>
    /// <returns>Rows written.</returns>
    /// <exception cref="OutputException">The output exists, or cannot be written.</exception>
    public static long WriteNpy(GenomeSource genome, WindowTiling windows, int length, string path, OutputOptions output, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(genome);
        ArgumentNullException.ThrowIfNull(windows);
        using NpyWriter writer = NpyWriter.Create(path, NpyType.UInt8, [length], windows.Count, output);
        byte[] row = new byte[length];
        for (long i = 0; i < windows.Count; i++)
        {
            stop.ThrowIfCancellationRequested();
            GenomeInterval window = windows[i].Interval;
            if (window.Length != length)
            {
                throw new ArgumentException($"window {i} has {window.Length} bases, not {length}", nameof(windows));
            }

            genome.Read(window.Contig, window.Start, row);
            writer.Write<byte>(row);
        }

        writer.Commit();
        return windows.Count;
    }
}
