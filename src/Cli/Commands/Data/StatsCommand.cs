using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using GenoSeq.Cli.Console;
using GenoSeq.Data;

namespace GenoSeq.Cli.Commands.Data;

/// <summary><c>genoseq data stats</c>: sequences and bases of files.</summary>
internal sealed class StatsCommand
{
    private readonly Argument<string[]> _files = new("FILE")
    {
        Description = "FASTA, FASTQ or 2bit, plain, gzip or BGZF; - for standard input",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<bool> _json = new("--json") { Description = "One JSON object a line" };

    private readonly Option<string> _alphabet = new("--alphabet")
    {
        Description = "letters: all, with a warning where they are no nucleotide codes; dna: nucleotide codes only; any: every printable character",
        DefaultValueFactory = _ => "letters",
        HelpName = "letters|dna|any",
    };

    private StatsCommand() => _alphabet.AcceptOnlyFromAmong("letters", "dna", "any");

    internal static Command Create(CommandRunner runner)
    {
        var self = new StatsCommand();
        Command verb = runner.Verb("stats", "Count sequences and bases, per file and in total", context => Task.FromResult(self.Run(context)));
        verb.Add(self._files);
        verb.Add(self._json);
        verb.Add(self._alphabet);
        return verb.WithExample("genoseq data stats data/lambda_NC_001416.fa.gz", "One genome")
            .WithExample("genoseq data stats --json reads_1.fq.gz reads_2.fq.gz", "Read files, for a script")
            .WithExample("zcat genome.fa.gz | genoseq data stats -", "From a pipe");
    }

    private int Run(CommandContext context)
    {
        bool json = context.Parse.GetValue(_json);
        var options = new SequenceStatisticsOptions
        {
            Letters = context.Parse.GetValue(_alphabet) switch
            {
                "any" => SequenceLetters.Any,
                "dna" => SequenceLetters.Dna,
                _ => SequenceLetters.AnyLetter,
            },
            Threads = context.Options.Threads,
        };
        string[] files = context.Parse.GetValue(_files)!;
        var totals = new SequenceTotals();
        var rows = new List<SequenceStats>();
        bool failed = false;
        foreach (string file in files)
        {
            context.Stop.ThrowIfCancellationRequested();
            try
            {
                SequenceStats stats = totals.Measure(file, options);
                rows.Add(stats);
                if (stats.Foreign > 0)
                {
                    context.Reporter.Warn(string.Create(CultureInfo.InvariantCulture,
                        $"{stats.Foreign:N0} of {stats.Bases:N0} characters are no nucleotide code, as in protein; training refuses this file ({file})"));
                }
                if (json)
                {
                    WriteJson(context, stats);
                }
            }
            catch (InputDataException e)
            {
                // One bad file must not hide what the others hold.
                failed = true;
                ErrorReport.Write(context.Streams.Error, "data stats",
                    new ErrorDescription(e.What, ExitCodes.BadInput) { Where = e.Where ?? file, Expected = e.Expected, Try = e.Try });
            }
        }
        if (files.Length > 1 && totals.Files > 0)
        {
            rows.Add(totals.ToStats());
            if (json)
            {
                WriteJson(context, rows[^1]);
            }
        }
        if (!json && rows.Count > 0)
        {
            WriteTable(context, rows);
        }
        return failed ? ExitCodes.BadInput : ExitCodes.Ok;
    }

    private static void WriteJson(CommandContext context, SequenceStats s)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("file", s.File);
            json.WriteString("format", s.Format);
            json.WriteNumber("sequences", s.Sequences);
            json.WriteNumber("bases", s.Bases);
            if (s.Gc is double gc)
            {
                json.WriteNumber("gc", Math.Round(gc, 6));
            }
            else
            {
                json.WriteNull("gc");
            }
            json.WriteNumber("n", s.N);
            json.WriteNumber("soft_masked", s.SoftMasked);
            json.WriteNumber("min", s.Min);
            json.WriteNumber("mean", Math.Round(s.Mean, 3));
            json.WriteNumber("max", s.Max);
            json.WriteNumber("n50", s.N50);
            json.WriteEndObject();
        }
        context.Streams.Out.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    private static void WriteTable(CommandContext context, List<SequenceStats> rows)
    {
        var table = new ConsoleTable("file", "format", "sequences", "bases", "gc", "n", "soft_masked", "min", "mean", "max", "n50");
        foreach (SequenceStats s in rows)
        {
            table.Add(s.File, s.Format, Text(s.Sequences), Text(s.Bases), s.Gc?.ToString("0.0000", CultureInfo.InvariantCulture) ?? "-",
                Text(s.N), Text(s.SoftMasked), Text(s.Min), s.Mean.ToString("N1", CultureInfo.InvariantCulture), Text(s.Max), Text(s.N50));
        }

        table.WriteToOut(context.Streams);
    }

    private static string Text(long n) => n.ToString("N0", CultureInfo.InvariantCulture);
}
