using System.CommandLine;
using System.Globalization;
using System.Text;
using GenoSeq.Cli.Console;
using GenoSeq.Data;

namespace GenoSeq.Cli.Commands.Data;

/// <summary><c>genoseq data get</c>: regions of any genome as FASTA, as <c>samtools faidx</c> prints them.</summary>
internal sealed class GetCommand
{
    private const int Columns = 60;
    private const int ChunkLength = Columns << 14;

    private readonly Argument<string> _file = new("FILE") { Description = "FASTA (plain, gzip, BGZF) or 2bit" };
    private readonly Argument<string[]> _regions = new("REGION") { Description = "NAME or NAME:FROM-TO, 1-based, both ends included", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string?> _bed = new("--bed") { Description = "Intervals of a BED file; those on the - strand are reverse-complemented", HelpName = "FILE" };
    private readonly Option<bool> _reverse = new("--reverse-complement", "-i") { Description = "The opposite strand of every REGION; names get /rc" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new GetCommand();
        Command verb = runner.Verb("get", "Print regions of a genome as FASTA", context => Task.FromResult(self.Run(context)));
        verb.Add(self._file);
        verb.Add(self._regions);
        verb.Add(self._bed);
        verb.Add(self._reverse);
        return verb.WithExample("genoseq data get hg38.2bit chr1:1,000,001-1,000,100", "One hundred bases")
            .WithExample("genoseq data get hg38.fa.gz chrM chr2:5000-6000 -i", "Opposite strand, read 5' to 3'")
            .WithExample("genoseq data get hg38.fa --bed promoters.bed", "Intervals of a BED file, 0-based and half-open");
    }

    private int Run(CommandContext context)
    {
        string[] regions = context.Parse.GetValue(_regions) ?? [];
        string? bed = context.Parse.GetValue(_bed);
        bool reverse = context.Parse.GetValue(_reverse);
        if (regions.Length == 0 && bed is null)
        {
            throw new InputDataException("no region given", null, "at least one REGION, or --bed FILE", "genoseq data get --help");
        }
        string file = context.Parse.GetValue(_file)!;
        using GenomeSource genome = GenomeFiles.Open([file], new GenomeOpenOptions { Warn = context.Reporter.Warn, Letters = SequenceLetters.AnyLetter });

        // All are understood before the first is printed.
        List<(string Name, GenomeInterval Interval, bool Minus)> all =
            [.. regions.Select(r => (r, GenomeRegion.Parse(r, genome), reverse)), .. bed is null ? [] : Bed(bed, genome)];
        foreach ((string name, GenomeInterval interval, bool minus) in all)
        {
            context.Stop.ThrowIfCancellationRequested();
            context.Streams.Out.Write($">{name}{(minus ? "/rc" : "")}\n");
            Write(context.Streams.Out, genome, interval, minus);
        }
        return ExitCodes.Ok;
    }

    private static void Write(TextWriter writer, GenomeSource genome, GenomeInterval interval, bool minus)
    {
        var text = new char[ChunkLength + (ChunkLength / Columns)];
        for (long done = 0; done < interval.Length; done += ChunkLength)
        {
            long length = Math.Min(ChunkLength, interval.Length - done);
            long start = minus ? interval.End - done - length : interval.Start + done;
            byte[] bases = GenomeRegion.Read(genome, new GenomeInterval(interval.Contig, start, start + length));
            if (minus)
            {
                GenomeRegion.ReverseComplement(bases, genome.Contigs[interval.Contig].Name, start);
            }
            int to = 0;
            for (int i = 0; i < bases.Length; i += Columns)
            {
                to += Encoding.Latin1.GetChars(bases.AsSpan(i, Math.Min(Columns, bases.Length - i)), text.AsSpan(to));
                text[to++] = '\n';
            }
            writer.Write(text.AsSpan(0, to));
        }
    }

    private static IEnumerable<(string Name, GenomeInterval Interval, bool Minus)> Bed(string path, GenomeSource genome)
    {
        using InputFile input = InputFile.Open(path, new InputFileOptions());
        using var reader = new StreamReader(input.Content, Encoding.UTF8);
        int number = 0;
        while (reader.ReadLine() is { } line)
        {
            number++;
            string[] columns = line.Split(line.Contains('\t', StringComparison.Ordinal) ? '\t' : ' ', StringSplitOptions.TrimEntries);
            if (line.Trim().Length == 0 || line[0] == '#' || columns[0].Split(' ')[0] is "track" or "browser")
            {
                continue;
            }
            string where = string.Create(CultureInfo.InvariantCulture, $"{path}, line {number}");
            if (columns.Length < 3
                || !long.TryParse(columns[1], NumberStyles.None, CultureInfo.InvariantCulture, out long start)
                || !long.TryParse(columns[2], NumberStyles.None, CultureInfo.InvariantCulture, out long end) || start > end)
            {
                throw new InputDataException("the line is no BED interval", where, "contig, start and end, 0-based and half-open, separated by tabs");
            }
            int contig = genome.IndexOf(columns[0]);
            if (contig < 0 || end > genome.LengthOf(contig))
            {
                throw new InputDataException(
                    contig < 0 ? $"the genome has no contig '{columns[0]}'" : $"the interval ends at {end}, contig '{columns[0]}' at {genome.LengthOf(contig)}",
                    where, "intervals of this genome",
                    contig < 0 ? $"one of {string.Join(", ", NearestNames.Find(columns[0], genome.Contigs.Select(c => c.Name)))}" : null);
            }
            yield return (FormattableString.Invariant($"{columns[0]}:{start + 1}-{end}"), new GenomeInterval(contig, start, end),
                columns.Length > 5 && columns[5] == "-");
        }
    }
}
