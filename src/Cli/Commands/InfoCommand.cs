using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Models.Families;
using GenoSeq.Torch.Safetensors;
using GenoSeq.Training.Runs;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq info</c>: what a file or folder holds.</summary>
internal sealed class InfoCommand
{
    private const int LongestList = 40;

    private readonly Argument<string> _path = new("path") { Description = "FASTA, 2bit, Parquet or safetensors file, checkpoint or run folder" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new InfoCommand();
        Command verb = runner.Verb("info", "What a genome, checkpoint or run holds", context => Task.FromResult(self.Run(context)));
        verb.Add(self._path);
        return verb
            .WithExample("genoseq info data/ecoli_k12_mg1655.fa.gz", "Contigs, lengths, composition")
            .WithExample("genoseq info runs/my-run/checkpoints/step-000500", "Model, parameters, tensors");
    }

    private int Run(CommandContext context)
    {
        string path = context.Parse.GetValue(_path)!;
        if (Directory.Exists(path))
        {
            if (File.Exists(Path.Combine(path, ModelFile.Configuration)))
            {
                Checkpoint(context, path);
            }
            else if (RunFolder.IsRun(path))
            {
                RunOf(context, path);
            }
            else
            {
                throw new InputDataException("this folder is neither a checkpoint nor a run", path,
                    "config.json with weights, or a run's metrics.jsonl", "name a file or another folder");
            }
        }
        else if (path.EndsWith(".safetensors", StringComparison.Ordinal) || path.EndsWith(SafetensorsIndex.Suffix, StringComparison.Ordinal))
        {
            Tensors(context, path);
        }
        else
        {
            Genome(context, path);
        }

        return ExitCodes.Ok;
    }

    private static void Genome(CommandContext context, string path)
    {
        using GenomeSource genome = GenomeFiles.Open([path]);
        var table = new ConsoleTable("contig", "length", "GC", "N", "lower case");
        for (int c = 0; c < Math.Min(genome.Contigs.Count, LongestList); c++)
        {
            Contig contig = genome.Contigs[c];
            (long gc, long at, long n, long lower) = Count(genome, c);
            table.Add(contig.Name, Text(contig.Length), gc + at == 0 ? "-" : ((double)gc / (gc + at)).ToString("P2", CultureInfo.InvariantCulture),
                Text(n), Text(lower));
        }

        table.WriteToOut(context.Streams);
        if (genome.Contigs.Count > LongestList)
        {
            context.Streams.Out.WriteLine($"... and {genome.Contigs.Count - LongestList} more");
        }

        context.Streams.Out.WriteLine($"{genome.Contigs.Count} contigs, {Text(genome.TotalBases)} bases, sha256 {genome.Digest.Files[0].Sha256}");
    }

    private static (long Gc, long At, long N, long Lower) Count(GenomeSource genome, int contig)
    {
        long[] counts = new long[256];
        byte[] piece = new byte[1 << 20];
        long length = genome.LengthOf(contig);
        for (long at = 0; at < length; at += piece.Length)
        {
            Span<byte> bases = piece.AsSpan(0, (int)Math.Min(piece.Length, length - at));
            genome.Read(contig, at, bases);
            foreach (byte b in bases)
            {
                counts[b]++;
            }
        }

        long lower = 0;
        for (int b = 'a'; b <= 'z'; b++)
        {
            lower += counts[b];
        }

        long Both(char c) => counts[c] + counts[char.ToLowerInvariant(c)];
        return (Both('G') + Both('C') + Both('S'), Both('A') + Both('T') + Both('U') + Both('W'), Both('N'), lower);
    }

    private static void Checkpoint(CommandContext context, string path)
    {
        (ModelConfig config, ModelLayout layout) = ModelFile.ReadConfig(Path.Combine(path, ModelFile.Configuration));
        using SequenceModel model = ModelFile.Load(path);
        TextWriter w = context.Streams.Out;
        w.WriteLine($"family      {config.Family()} ({layout.Name} layout)");
        w.WriteLine($"parameters  {Text(model.NumParameters)}");
        w.WriteLine($"d_model     {config.DModel}");
        w.WriteLine($"layers      {config.NLayer} ({config.Layout})");
        w.WriteLine($"alphabet    {config.Alphabet}, {config.VocabSize} rows");
        string state = Path.Combine(path, "trainer_state.json");
        if (File.Exists(state) && JsonNode.Parse(File.ReadAllText(state)) is JsonObject s)
        {
            w.WriteLine($"step        {s["step"]}");
            w.WriteLine($"tokens      {s["tokens"]}");
            w.WriteLine($"best        {s["best_validation"]?.ToJsonString() ?? "-"} bits per base");
        }
    }

    private static void Tensors(CommandContext context, string path)
    {
        using SafetensorsCheckpoint file = SafetensorsCheckpoint.Open(path);
        var table = new ConsoleTable("tensor", "type", "shape");
        foreach (SafetensorsEntry e in file.Entries)
        {
            table.Add(e.Name, e.DType.FileName(), $"[{string.Join(", ", e.Shape)}]");
        }

        table.WriteToOut(context.Streams);
        context.Streams.Out.WriteLine($"{file.Entries.Count} tensors, {Text(file.Entries.Sum(e => e.ElementCount))} elements, {Text(file.Entries.Sum(e => e.ByteLength))} bytes");
        foreach ((string key, string value) in file.Metadata)
        {
            context.Streams.Out.WriteLine($"{key}: {value}");
        }
    }

    private static void RunOf(CommandContext context, string path)
    {
        TextWriter w = context.Streams.Out;
        string summary = Path.Combine(path, "summary.json");
        w.WriteLine(File.Exists(summary) ? File.ReadAllText(summary).TrimEnd() : "not finished");
        string metrics = Path.Combine(path, "metrics.jsonl");
        if (File.Exists(metrics) && MetricsReader.Read(metrics) is { Count: > 0 } lines)
        {
            w.WriteLine(FormattableString.Invariant($"last line of metrics: step {lines[^1].Step}, {lines[^1].Tokens} tokens"));
        }
    }

    private static string Text(long n) => n.ToString("N0", CultureInfo.InvariantCulture);
}
