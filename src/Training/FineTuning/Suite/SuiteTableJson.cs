using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>A suite's table as JSON, for other programs.</summary>
internal static class SuiteTableJson
{
    private static readonly JsonWriterOptions s_options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static string Write(SuiteTable table)
    {
        using var memory = new MemoryStream();
        using (var w = new Utf8JsonWriter(memory, s_options))
        {
            w.WriteStartObject();
            w.WriteString("suite", table.Suite.Name);
            w.WriteString("title", table.Suite.Title);
            Objects(w, "tasks", table.Rows, row => Task(w, table.Suite, row));
            Objects(w, "compared", table.Duels, d =>
            {
                w.WriteString("a", d.A);
                w.WriteString("b", d.B);
                w.WriteNumber("wins", d.Wins);
                w.WriteNumber("ties", d.Ties);
                w.WriteNumber("losses", d.Losses);
                w.WriteNumber("higher", d.Higher);
                w.WriteNumber("difference", d.Difference);
            });
            Status(w, table.Status);
            w.WriteEndObject();
        }

        return Encoding.UTF8.GetString(memory.ToArray()) + "\n";
    }

    private static void Status(Utf8JsonWriter w, SuiteStatus status)
    {
        Objects(w, "data", status.Data, d =>
        {
            w.WriteString("task", d.Task);
            w.WriteNumber("train", d.Train);
            w.WriteNumber("validation", d.Validation);
            w.WriteNumber("test", d.Test);
            w.WriteNumber("repeated_in_train", d.Repeated);
            w.WriteNumber("test_in_train", d.TrainTest);
            w.WriteNumber("validation_in_train", d.TrainValidation);
            w.WriteNumber("test_in_validation", d.ValidationTest);
            w.WriteNumber("dropped_from_train", d.Dropped);
        });
        Objects(w, "cost", status.Costs, c =>
        {
            w.WriteString("model", c.Model);
            w.WriteNumber("runs", c.Runs);
            w.WriteNumber("seconds", c.Seconds);
            w.WriteNumber("trained_parameters", c.Trained);
            w.WriteNumber("parameters", c.Parameters);
        });
        Objects(w, "failed", status.Failures, f =>
        {
            w.WriteString("task", f.Task);
            w.WriteString("model", f.Model);
            w.WriteNumber("seed", f.Seed);
            w.WriteString("error", f.Error);
        });
        Words(w, "absent", status.Absent);
        Words(w, "not_run", status.NotRun);
    }

    private static void Objects<T>(Utf8JsonWriter w, string key, IEnumerable<T> items, Action<T> fields)
    {
        w.WriteStartArray(key);
        foreach (T item in items)
        {
            w.WriteStartObject();
            fields(item);
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    private static void Words(Utf8JsonWriter w, string key, IReadOnlyList<string> words)
    {
        w.WriteStartArray(key);
        foreach (string word in words)
        {
            w.WriteStringValue(word);
        }

        w.WriteEndArray();
    }

    private static void Task(Utf8JsonWriter w, SuiteConfig suite, SuiteTable.Row row)
    {
        w.WriteString("task", row.Task.Name);
        w.WriteString("metric", row.Task.Metric);
        if (row.Task.Note.Length > 0)
        {
            w.WriteString("note", row.Task.Note);
        }

        w.WriteStartArray("models");
        for (int m = 0; m < row.Cells.Count; m++)
        {
            Model(w, suite.Models[m].Name, row.Task.Metric, row.Cells[m], ranked: true);
            foreach ((string metric, IReadOnlyList<SuiteCell?> cells) in row.Others)
            {
                Model(w, suite.Models[m].Name, metric, cells[m], ranked: false);
            }

            foreach ((string metric, IReadOnlyList<SuiteCell?> cells) in row.Averaged)
            {
                Model(w, suite.Models[m].Name, metric + "_batch_averaged", cells[m], ranked: false);
            }
        }

        w.WriteEndArray();
        Objects(w, "published", suite.Published.Where(p => p.Values.ContainsKey(row.Task.Name)), p =>
        {
            w.WriteString("system", p.System);
            w.WriteString("metric", p.Metric ?? row.Task.Metric);
            w.WriteNumber("value", p.Values[row.Task.Name]);
            if (p.Spreads.TryGetValue(row.Task.Name, out double spread))
            {
                w.WriteNumber("spread", spread);
                w.WriteString("spread_kind", p.SpreadKind);
            }

            w.WriteString("source", p.Source);
            w.WriteString("protocol", p.Protocol);
        });
    }

    private static void Model(Utf8JsonWriter w, string model, string metric, SuiteCell? cell, bool ranked)
    {
        if (cell is null)
        {
            return;
        }

        w.WriteStartObject();
        w.WriteString("model", model);
        w.WriteString("metric", metric);
        w.WriteNumber("seeds", cell.Runs);
        w.WriteNumber("mean", cell.Mean);
        Number(w, "deviation", cell.Deviation);
        Number(w, "low", cell.Low);
        Number(w, "high", cell.High);
        if (ranked)
        {
            w.WriteString("standing", cell.Standing.ToString().ToLowerInvariant());
        }

        w.WriteEndObject();
    }

    private static void Number(Utf8JsonWriter w, string name, double? value)
    {
        if (value is { } v)
        {
            w.WriteNumber(name, v);
        }
        else
        {
            w.WriteNull(name);
        }
    }
}
