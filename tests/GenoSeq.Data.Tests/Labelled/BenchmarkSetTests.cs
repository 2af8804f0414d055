using System.Globalization;
using System.Text.RegularExpressions;

namespace GenoSeq.Data.Tests.Labelled;

/// <summary>Every real set, held to the numbers that its own description gives.</summary>
public sealed partial class BenchmarkSetTests
{
    private sealed record Described(string File, int Rows, Dictionary<string, int> Labels, int Shortest, int Longest);

    public static TheoryData<string> Folders()
    {
        var folders = new TheoryData<string>();
        string root = Repository.Shared is null ? "" : Repository.SharedPath("data", "benchmarks");
        string[] found = Directory.Exists(root) ? Directory.GetDirectories(root) : [];
        foreach (string folder in found.Order(StringComparer.Ordinal))
        {
            folders.Add(Path.GetFileName(folder));
        }
        if (Repository.Shared is null)
        {
            folders.Add("none");
        }
        return folders;
    }

    [SharedTheory]
    [MemberData(nameof(Folders))]
    public void Open_Folder_HasTheRowsClassesAndLengthsOfItsDescription(string folder)
    {
        string path = Repository.SharedPath("data", "benchmarks", folder);
        var files = Describe(path).Where(d => Part(d.File) is not null).ToList();
        Assert.NotEmpty(files);
        foreach (IGrouping<string, Described> task in files.GroupBy(d => Task(d.File)))
        {
            using LabelledSet set = LabelledSets.Open(path, new LabelledSetOptions { Task = task.Key.Length == 0 ? null : task.Key });
            Assert.Equal(task.Sum(d => d.Rows), set.Count);
            Assert.Equal(LabelKind.Class, set.Kind);
            foreach (Described file in task)
            {
                LabelledPart part = Part(file.File)!.Value;
                Check(set, part, file);
            }
            Assert.Empty(set.Warnings);
        }
    }

    [SharedFact]
    public void Folders_AllOfTheIndex_AreHere() => Assert.Equal(24, Folders().Count);

    [SharedFact]
    public void Open_FolderOfSeveralSets_NamesThem()
    {
        var e = Assert.Throws<InputDataException>(() => LabelledSets.Open(Repository.SharedPath("data", "benchmarks", "4mc_idna_ms")));
        Assert.Equal("one of 'a_thaliana', 'c_elegans', 'e_coli'", e.Expected);
    }

    [SharedTheory]
    [InlineData("uci_ecoli_promoters", "promoters.data", "+,-")]
    [InlineData("uci_splice_junction", "splice.data", "EI,IE,N")]
    public void Open_TableWithoutHeader_IsReadByColumnNumbers(string folder, string file, string names)
    {
        string path = Repository.SharedPath("data", "benchmarks", folder);
        using LabelledSet set = LabelledSets.Open(Path.Combine(path, file), new LabelledSetOptions
        {
            HasHeader = false,
            LabelColumns = ["1"],
            IdColumn = "2",
            SequenceColumn = "3",
        });
        Described described = Describe(path).Single(d => d.File == file);
        Assert.Equal(described.Rows, set.Count);
        Assert.Equal(names.Split(','), set.LabelNames);
        // The description of one of them writes + as 1.
        Assert.Equal(described.Labels.Values.Order(), set.ClassCounts(LabelledPart.Train).Order());
        Assert.All(Enumerable.Range(0, set.Count), r => Assert.InRange(set.GetLength(r), described.Shortest, described.Longest));
        Assert.Equal(folder == "uci_splice_junction" ? "ATRINS-DONOR-521" : "S10", set.GetId(0));
    }

    /// <summary>Every sentence of every description about repeats and shared sequences is what is counted.</summary>
    [SharedTheory]
    [MemberData(nameof(Folders))]
    public void Find_Folder_HasTheRepeatsAndLeaksOfItsDescription(string folder)
    {
        string path = Repository.SharedPath("data", "benchmarks", folder);
        string text = File.ReadAllText(Path.Combine(path, "SOURCE.md"));
        string[] tasks = [.. Describe(path).Where(d => Part(d.File) is not null).Select(d => Task(d.File)).Distinct()];
        int compared = 0;
        foreach (string task in tasks)
        {
            using LabelledSet set = LabelledSets.Open(path, new LabelledSetOptions { Task = task.Length == 0 ? null : task });
            LabelledLeaks leaks = LabelledLeaks.Find(set);
            string said = tasks.Length == 1 ? text : About(text, task);
            foreach (Match m in RepeatPattern().Matches(said))
            {
                Assert.Equal(Number(m.Groups["n"].Value), leaks.Repeats[(int)Part(m.Groups["part"].Value)!.Value].Equal);
                compared++;
            }
            foreach (Match m in SharedPattern().Matches(said))
            {
                LabelledOverlap o = leaks.Shared.Single(o => o.A == Part(m.Groups["a"].Value) && o.B == Part(m.Groups["b"].Value));
                Assert.Equal((Number(m.Groups["n"].Value), Number(m.Groups["both"].Value)), (o.Equal, o.WithReverseComplements));
                compared++;
            }
            using LabelledSet clean = set.DropLeaks(leaks);
            Assert.Empty(LabelledLeaks.Find(clean).TrainingRows);
            Assert.Equal(set.Count - leaks.TrainingRows.Count, clean.Count);
        }
        Assert.InRange(compared, 3 * tasks.Length, 6 * tasks.Length);
    }

    // The descriptions of several sets in a folder name each before its counts, by task or species.
    private static string About(string text, string task)
    {
        string[] names = [.. s_headings.Where(h => h.Task == task).Select(h => h.Heading)];
        int start = text.IndexOf(Assert.Single(names), StringComparison.Ordinal);
        Assert.True(start >= 0, task);
        int end = s_headings.Select(h => text.IndexOf(h.Heading, start + 1, StringComparison.Ordinal)).Where(i => i > 0).DefaultIfEmpty(text.Length).Min();
        return text[start..end];
    }

    private static readonly (string Task, string Heading)[] s_headings =
    [
        ("c_elegans", "\nC.elegans:"), ("a_thaliana", "\nA.thaliana:"), ("e_coli", "\nE.coli:"), ("promoter", "\nPromoter task:"),
        ("sigma", "\nSigma task"), ("layer1", "Checks layer 1:"), ("layer2", " Layer 2: duplicates"), ("n1", "\nTask n1"), ("n3", "\nTask n3"),
    ];

    private static void Check(LabelledSet set, LabelledPart part, Described file)
    {
        IReadOnlyList<int> rows = set.Rows(part);
        Assert.Equal(file.Rows, rows.Count);
        Assert.Equal(file.Labels.Keys.Order(StringComparer.Ordinal), set.LabelNames);
        Assert.Equal(set.LabelNames.Select(n => file.Labels[n]), set.ClassCounts(part));
        Assert.Equal(file.Shortest, rows.Min(set.GetLength));
        Assert.Equal(file.Longest, rows.Max(set.GetLength));
    }

    private static LabelledPart? Part(string file) => file switch
    {
        _ when file.Contains("train", StringComparison.Ordinal) => LabelledPart.Train,
        _ when file.Contains("dev", StringComparison.Ordinal) => LabelledPart.Dev,
        _ when file.Contains("test", StringComparison.Ordinal) => LabelledPart.Test,
        _ => null,
    };

    private static string Task(string file) => file.Contains('_', StringComparison.Ordinal) ? file[..file.LastIndexOf('_')] : "";

    private static List<Described> Describe(string folder)
    {
        var described = new List<Described>();
        foreach (string line in File.ReadLines(Path.Combine(folder, "SOURCE.md")))
        {
            if (RowPattern().Match(line) is { Success: true } m)
            {
                var labels = LabelPattern().Matches(m.Groups["labels"].Value)
                    .ToDictionary(l => l.Groups[1].Value, l => Number(l.Groups[2].Value), StringComparer.Ordinal);
                described.Add(new Described(m.Groups["file"].Value, Number(m.Groups["rows"].Value), labels,
                    Number(m.Groups["short"].Value), Number(m.Groups["long"].Value)));
            }
        }
        return described;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\| (?<file>\S+) \| \d+ \| .*?(?<rows>\d+) rows, labels \{(?<labels>[^}]*)\}, length (?<short>\d+)\.\.(?<long>\d+)")]
    private static partial Regex RowPattern();

    [GeneratedRegex(@"duplicates inside (?<part>\w+): (?<n>\d+)")]
    private static partial Regex RepeatPattern();

    [GeneratedRegex(@"(?<a>\w+)/(?<b>\w+) shared sequences: (?<n>\d+) \(with reverse complements: (?<both>\d+)\)")]
    private static partial Regex SharedPattern();

    [GeneratedRegex(@"'([^']+)': (\d+)")]
    private static partial Regex LabelPattern();
}
