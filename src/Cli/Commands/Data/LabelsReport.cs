using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using GenoSeq.Data;

namespace GenoSeq.Cli.Commands.Data;

/// <summary>The figures of a labelled set.</summary>
internal sealed record LabelsReport(
    LabelledSet Set, IReadOnlyList<LabelsReport.PartRow> Parts, IReadOnlyList<LabelledOverlap> Shared, IReadOnlyList<string> Warnings)
{
    // Read by programs and people, and never put into a web page: no escapes beyond those that JSON asks for.
    private static readonly JsonWriterOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One part that has rows; lengths in bases, those of a pair added.</summary>
    internal sealed record PartRow(string Name, int Rows, IReadOnlyList<long> Classes, long Bases, long Min, long Max, LabelledRepeats Repeats)
    {
        internal double Mean => (double)Bases / Rows;
    }

    internal string Kind => Set.Kind.ToString().ToLowerInvariant();

    internal static string NameOf(LabelledPart part) => part.ToString().ToLowerInvariant();

    internal static LabelsReport Of(LabelledSet set)
    {
        LabelledLeaks found = LabelledLeaks.Find(set);
        PartRow[] parts = [.. Enum.GetValues<LabelledPart>().Where(p => set.Rows(p).Count > 0).Select(p => PartOf(set, p, found.Repeats[(int)p]))];
        LabelledOverlap[] both = [.. found.Shared.Where(o => set.Rows(o.A).Count > 0 && set.Rows(o.B).Count > 0)];
        IEnumerable<string> leaks = both.Where(o => o.WithReverseComplements > 0).Select(o => string.Create(CultureInfo.InvariantCulture,
            $"{o.WithReverseComplements} sequences of the {NameOf(o.B)} part are also in the {NameOf(o.A)} part ({o.WithReverseComplements - o.Equal} of them as reverse complement only){Disagreement(o)}: scores on them say little"));
        return new LabelsReport(set, parts, both, [.. set.Warnings, .. leaks]);
    }

    private static string Disagreement(LabelledOverlap o) =>
        o.OtherLabel == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {o.OtherLabel} rows of them with another label");

    internal string ToJson()
    {
        using var memory = new MemoryStream();
        using (var w = new Utf8JsonWriter(memory, s_plain))
        {
            w.WriteStartObject();
            w.WriteString("name", Set.Name);
            w.WriteString("sha256", Set.Sha256);
            w.WriteString("kind", Kind);
            w.WriteBoolean("pairs", Set.HasPairs);
            w.WriteNumber("rows", Set.Count);
            w.WriteStartArray("labels");
            foreach (string name in Set.LabelNames)
            {
                w.WriteStringValue(name);
            }

            w.WriteEndArray();
            w.WriteStartArray("parts");
            foreach (PartRow p in Parts)
            {
                Write(w, p);
            }

            w.WriteEndArray();
            w.WriteStartArray("shared");
            foreach (LabelledOverlap o in Shared)
            {
                w.WriteStartObject();
                w.WriteString("a", NameOf(o.A));
                w.WriteString("b", NameOf(o.B));
                w.WriteNumber("equal", o.Equal);
                w.WriteNumber("with_reverse_complements", o.WithReverseComplements);
                w.WriteNumber("rows_a", o.RowsOfA);
                w.WriteNumber("rows_b", o.RowsOfB);
                w.WriteNumber("same_label", o.SameLabel);
                w.WriteNumber("other_label", o.OtherLabel);
                w.WriteEndObject();
            }

            w.WriteEndArray();
            w.WriteStartArray("warnings");
            foreach (string warning in Warnings)
            {
                w.WriteStringValue(warning);
            }

            w.WriteEndArray();
            w.WriteEndObject();
        }

        return Encoding.UTF8.GetString(memory.ToArray());
    }

    private static void Write(Utf8JsonWriter w, PartRow p)
    {
        w.WriteStartObject();
        w.WriteString("part", p.Name);
        w.WriteNumber("rows", p.Rows);
        w.WriteNumber("bases", p.Bases);
        w.WriteNumber("min", p.Min);
        w.WriteNumber("mean", Math.Round(p.Mean, 3));
        w.WriteNumber("max", p.Max);
        w.WriteNumber("repeats", p.Repeats.Equal);
        w.WriteNumber("repeats_reverse_only", p.Repeats.ReverseOnly);
        w.WriteNumber("repeats_other_label", p.Repeats.OtherLabel);
        w.WriteStartArray("counts");
        for (int c = 0; c < p.Classes.Count; c++)
        {
            w.WriteNumberValue(p.Classes[c]);
        }

        w.WriteEndArray();
        w.WriteEndObject();
    }

    private static PartRow PartOf(LabelledSet set, LabelledPart part, LabelledRepeats repeats)
    {
        long bases = 0, min = long.MaxValue, max = 0;
        foreach (int row in set.Rows(part))
        {
            long length = set.GetLength(row) + set.GetSecondSequence(row).Length;
            bases += length;
            min = Math.Min(min, length);
            max = Math.Max(max, length);
        }

        return new PartRow(NameOf(part), set.Rows(part).Count, set.Kind == LabelKind.PerBase ? [.. set.BaseCounts(part)] : [.. set.ClassCounts(part).Select(c => (long)c)], bases, min, max, repeats);
    }
}
