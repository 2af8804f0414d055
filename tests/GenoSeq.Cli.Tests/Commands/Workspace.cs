using System.Text;
using GenoSeq.Training.Runs;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary>A folder with a small genome and recipes that train for seconds.</summary>
internal sealed class Workspace : IDisposable
{
    private const string Common = """
        data: {files: [genome.fa], context_length: 64, validation_fraction: 0.1}
        train: {steps: 30, global_batch_size: 256, micro_batch_size: 3, learning_rate: 0.01, min_learning_rate: 0.001, warmup_steps: 4, log_every: 1, validate_every: 6}
        checkpoint: {every: 4, keep: 2}

        """;

    internal Workspace()
    {
        File.WriteAllText(this["genome.fa"], Genome(5, 4000, 3000));
        File.WriteAllText(this["mlm.yaml"], "name: mlm\nmodel: {d_model: 8, n_layer: 2, bidirectional: true, rc_equivariant: true}\n" + Common);
        File.WriteAllText(this["causal.yaml"],
            "name: causal\nmodel: {d_model: 8, n_layer: 2}\nobjective: {kind: causal, rc_augment: true}\n" + Common);
    }

    internal string Folder { get; } = Directory.CreateTempSubdirectory("genoseq-cli-").FullName;

    internal string this[string name] => Path.Combine(Folder, name);

    /// <summary>FASTA of contigs c1, c2 and so on, in which T follows A more often than not.</summary>
    internal static string Genome(int seed, params int[] lengths)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        for (int c = 0; c < lengths.Length; c++)
        {
            text.Append(">c").Append(c + 1).Append('\n');
            char last = 'C';
            for (int i = 0; i < lengths[c]; i++)
            {
                last = last == 'A' && random.Next(3) > 0 ? 'T' : "ACGT"[random.Next(4)];
                text.Append(last);
                if (i % 80 == 79)
                {
                    text.Append('\n');
                }
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Lines of metrics that a run has written so far.</summary>
    internal static int Lines(string run)
    {
        string file = Path.Combine(run, "metrics.jsonl");
        return File.Exists(file) ? MetricsReader.Read(file).Count : 0;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
