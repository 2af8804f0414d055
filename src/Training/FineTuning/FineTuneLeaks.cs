using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Data;

namespace GenoSeq.Training.FineTuning;

/// <summary>What parts of a set share, in words and for the record.</summary>
internal static class FineTuneLeaks
{
    /// <summary>A sentence for people; null where nothing is shared.</summary>
    internal static string? Sentence(LabelledLeaks leaks, bool dropped)
    {
        int shared = leaks.Shared.Sum(s => s.RowsOfB);
        if (shared == 0)
        {
            return null;
        }

        string counts = string.Join(", ", leaks.Shared.Where(s => s.RowsOfB > 0).Select(s => string.Create(CultureInfo.InvariantCulture,
            $"{s.RowsOfB:N0} {LabelledTask.NameOf(s.B)} rows have a sequence of {LabelledTask.NameOf(s.A)}")));
        string rows = leaks.TrainingRows.Count.ToString("N0", CultureInfo.InvariantCulture);
        string what = leaks.TrainingRows.Count == 0 ? ""
            : dropped ? $"; the {rows} training rows with these sequences are left out"
            : $"; {rows} training rows have them (data.drop_leaks=true leaves these out)";
        return $"note: on either strand, {counts}{what}";
    }

    /// <summary>Counts for <c>data_manifest.json</c>.</summary>
    internal static JsonObject Json(LabelledLeaks leaks, bool dropped)
    {
        var json = new JsonObject();
        foreach (LabelledOverlap s in leaks.Shared)
        {
            json[$"{LabelledTask.NameOf(s.A)}_{LabelledTask.NameOf(s.B)}"] = new JsonObject
            {
                ["equal"] = s.Equal,
                ["with_reverse_complements"] = s.WithReverseComplements,
                [$"{LabelledTask.NameOf(s.A)}_rows"] = s.RowsOfA,
                [$"{LabelledTask.NameOf(s.B)}_rows"] = s.RowsOfB,
                ["other_label"] = s.OtherLabel,
            };
        }

        json["training_rows"] = leaks.TrainingRows.Count;
        json["dropped"] = dropped ? leaks.TrainingRows.Count : 0;
        return json;
    }
}
