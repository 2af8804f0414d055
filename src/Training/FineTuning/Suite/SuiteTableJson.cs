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
            w.WriteStartArray("tasks");
            foreach (SuiteTable.Row row in table.Rows)
            {
                Task(w, table.Suite, row);
            }

            w.WriteEndArray();
            w.WriteStartArray("compared");
            foreach (SuiteTable.Duel d in table.Duels)
            {
                w.WriteStartObject();
                w.WriteString("a", d.A);
                w.WriteString("b", d.B);
                w.WriteNumber("wins", d.Wins);
                w.WriteNumber("ties", d.Ties);
                w.WriteNumber("losses", d.Losses);
                w.WriteNumber("higher", d.Higher);
                w.WriteEndObject();
            }

            w.WriteEndArray();
            w.WriteEndObject();
        }

        return Encoding.UTF8.GetString(memory.ToArray()) + "\n";
    }

    private static void Task(Utf8JsonWriter w, SuiteConfig suite, SuiteTable.Row row)
    {
        w.WriteStartObject();
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
        }

        w.WriteEndArray();
        w.WriteStartArray("published");
        foreach (PublishedConfig p in suite.Published.Where(p => p.Values.ContainsKey(row.Task.Name)))
        {
            w.WriteStartObject();
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
            w.WriteEndObject();
        }

        w.WriteEndArray();
        w.WriteEndObject();
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
