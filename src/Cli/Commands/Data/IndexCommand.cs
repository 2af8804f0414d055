using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using GenoSeq.Cli.Console;
using GenoSeq.Data;

namespace GenoSeq.Cli.Commands.Data;

/// <summary><c>genoseq data index</c>: makes the indexes that random access needs.</summary>
internal sealed class IndexCommand
{
    private readonly Argument<string[]> _files = new("FILE") { Description = "FASTA or FASTQ files, plain or BGZF", Arity = ArgumentArity.OneOrMore };
    private readonly Option<bool> _force = new("--force") { Description = "Make the indexes anew even where fresh ones exist" };
    private readonly Option<bool> _check = new("--check") { Description = "Write nothing; compare the existing indexes with the files" };
    private readonly Option<bool> _json = new("--json") { Description = "One JSON object a line and file" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new IndexCommand();
        Command verb = runner.Verb("index", "Make .fai and .gzi indexes, as samtools and bgzip do", context => Task.FromResult(self.Run(context)));
        verb.Add(self._files);
        verb.Add(self._force);
        verb.Add(self._check);
        verb.Add(self._json);
        return verb.WithExample("genoseq data index hg38.fa", "Writes hg38.fa.fai")
            .WithExample("genoseq data index genomes/*.fa.gz", "BGZF files: .fai and .gzi for each")
            .WithExample("genoseq data index --check hg38.fa", "Does hg38.fa.fai fit hg38.fa?");
    }

    private int Run(CommandContext context)
    {
        bool check = context.Parse.GetValue(_check);
        foreach (string file in context.Parse.GetValue(_files)!)
        {
            context.Stop.ThrowIfCancellationRequested();
            IndexReport report = check
                ? GenomeIndexer.Check(file)
                : GenomeIndexer.Make(file, context.Parse.GetValue(_force), context.Reporter.Warn);
            context.Streams.Out.Write((context.Parse.GetValue(_json) ? Json(report) : Words(report)) + "\n");
        }
        return ExitCodes.Ok;
    }

    private static string Words(IndexReport r) => string.Create(CultureInfo.InvariantCulture,
        $"{r.File}: {r.Sequences:N0} sequences, {r.Bases:N0} bases; {string.Join(", ", r.Indexes.Select(i => $"{i.Path ?? "index"} {i.State}"))}");

    private static string Json(IndexReport r)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("file", r.File);
            json.WriteString("format", r.IsFastq ? "fastq" : "fasta");
            json.WriteNumber("sequences", r.Sequences);
            json.WriteNumber("bases", r.Bases);
            json.WriteStartArray("indexes");
            foreach ((string? path, string state) in r.Indexes)
            {
                json.WriteStartObject();
                json.WriteString("path", path);
                json.WriteString("state", state);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
