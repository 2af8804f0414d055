using System.Text.Json;
using System.Text.Json.Nodes;
using GenoSeq.Data;

namespace GenoSeq.Benchmarks.Data;

/// <summary>Options that the benchmarks of data share, and their genome and output.</summary>
internal sealed class DataBenchOptions
{
    private const int SyntheticBases = 200_000_000;

    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    private string? _genome;
    private bool _json;
    private string? _file;

    internal static DataBenchOptions? Parse(string[] args, string usage)
    {
        var options = new DataBenchOptions();
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] == "--genome" && i + 1 < args.Length)
            {
                options._genome = args[++i];
            }
            else if (args[i] == "--json")
            {
                options._json = true;
                options._file = i + 1 < args.Length && !args[i + 1].StartsWith('-') ? args[++i] : null;
            }
            else
            {
                Console.Error.WriteLine($"usage: {usage} [--genome FILE] [--json [FILE]]");
                return null;
            }
        }

        return options;
    }

    /// <summary>The genome named, or one contig of random bases, an eighth of them lower case and 3 % N.</summary>
    internal GenomeSource Open()
    {
        if (_genome is not null)
        {
            return GenomeFiles.Open([_genome]);
        }

        string file = Path.Combine(Path.GetTempPath(), $"genoseq-bench-{Environment.ProcessId}.fa");
        try
        {
            WriteSynthetic(file);
            return FastaGenome.Load([file]);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static void WriteSynthetic(string file)
    {
        using FileStream stream = File.Create(file);
        stream.Write(">c1\n"u8);
        byte[] letters = "ACGTACGTACGTACGTacgtACGTACGTACGN"u8.ToArray();
        byte[] lines = new byte[81 * 10_000];
        var random = new Random(1);
        for (int done = 0; done < SyntheticBases; done += 80 * 10_000)
        {
            random.NextBytes(lines);
            for (int i = 0; i < lines.Length; i++)
            {
                lines[i] = i % 81 == 80 ? (byte)'\n' : letters[lines[i] & 31];
            }

            stream.Write(lines);
        }
    }

    /// <summary>Prints the report as JSON, writes it to a file, or neither; the words go to standard error with JSON.</summary>
    internal void Write(JsonObject report)
    {
        if (_file is not null)
        {
            File.WriteAllText(_file, report.ToJsonString(s_json) + "\n");
        }
        else if (_json)
        {
            Console.WriteLine(report.ToJsonString(s_json));
        }
    }

    internal void Say(FormattableString text) =>
        (_json && _file is null ? Console.Error : Console.Out).WriteLine(FormattableString.Invariant(text));
}
