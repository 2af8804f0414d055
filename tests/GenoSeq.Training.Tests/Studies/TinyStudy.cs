using GenoSeq.Training.Studies;

namespace GenoSeq.Training.Tests.Studies;

/// <summary>A study of a synthetic task that takes a tenth of a second a cell, in a folder of its own.</summary>
internal sealed class TinyStudy : IDisposable
{
    private const string Text = """
        name: tiny
        title: Tiny
        seeds: [1, 2]
        metrics:
          - { name: accuracy, higher: true }
        plots:
          - { title: Accuracy, metric: accuracy, x: pairs, at: { pairs: 2 } }
        claims:
          - name: one
            text: Attention recalls better.
            source: ours
            metric: accuracy
            of: { model: transformer, at: { pairs: 2 } }
            against: { model: mamba, at: { pairs: 2 } }
        base:
          kind: task
          model: { d_model: 8, n_layer: 1, attention: { n_head: 1 } }
          task: { kind: recall, length: 64, pairs: 2, key_width: 2 }
          train: { global_batch_size: 256 }
          budget: { tokens: 2560 }
          evaluate: { curve_points: 3, curve_tokens: 256, tokens: 512 }
        models:
          - { name: mamba, model.layout: mamba }
          - { name: transformer, model.layout: attention, model.mlp: { d_ff: 16 }, except: { pairs: [3] } }
        axes:
          - { name: pairs, path: task.pairs, values: [2, 3] }
        smoke:
          seeds: [1]
          axes: { pairs: [3] }
          models: [mamba]
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("genoseq-study-").FullName;

    internal string this[string name] => Path.Combine(_folder, name);

    internal string Out => this["out"];

    /// <summary>The study's file, with a text in place of another.</summary>
    internal string File(string from = "", string to = "")
    {
        string path = this["study.yaml"];
        string text = from.Length == 0 ? Text : Text.Replace(from, to, StringComparison.Ordinal);
        Assert.True(from.Length == 0 || text != Text, $"'{from}' is not in the study");
        System.IO.File.WriteAllText(path, text);
        return path;
    }

    internal StudyRequest Request(Study study) => new() { Study = study, Out = Out };

    internal static (StudyProgress Outcome, List<string> Said) Run(StudyRequest request, CancellationToken stop = default)
    {
        var said = new List<string>();
        StudyRun.Begin(request);
        StudyRun.Work(request, said.Add, stop);
        return (StudyRun.Finish(request), said);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
