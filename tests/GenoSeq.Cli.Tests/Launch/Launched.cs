using System.Diagnostics;
using System.Globalization;
using GenoSeq.Cli.Tests.Commands;

namespace GenoSeq.Cli.Tests.Launch;

/// <summary>A launcher that was started, and the ranks that it started.</summary>
internal sealed class Launched : IDisposable
{
    private readonly Running _launcher;
    private readonly List<int> _ranks = [];

    private Launched(Running launcher) => _launcher = launcher;

    internal Running Launcher => _launcher;

    internal static Launched Start(string folder, string[] options, params string[] command) =>
        new(Genoseq.Start(folder, ["launch", "--grace", "2", .. options, "--", .. command]));

    /// <summary>The process of a rank.</summary>
    internal int Rank(int rank)
    {
        int found = 0;
        Assert.True(_launcher.WaitUntil(() => (found = Find(rank)) > 0), "the rank was never started");
        _ranks.Add(found);
        return found;
    }

    internal static void Signal(int process, string name)
    {
        using Process kill = Process.Start("kill", [$"-{name}", process.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    internal Task<Answer> EndAsync() => _launcher.EndAsync(TimeSpan.FromMinutes(2));

    /// <summary>No process is left behind, within some seconds; one that nobody has waited for yet is gone too.</summary>
    internal void AssertNobodyLeft()
    {
        var clock = Stopwatch.StartNew();
        while (_ranks.Exists(IsAlive) && clock.Elapsed < TimeSpan.FromSeconds(20))
        {
            Thread.Sleep(20);
        }

        Assert.DoesNotContain(_ranks, IsAlive);
    }

    public void Dispose()
    {
        _launcher.Dispose();
        foreach (int rank in _ranks.Where(IsAlive))
        {
            Signal(rank, "KILL");
        }
    }

    private int Find(int rank)
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc").Where(f => char.IsAsciiDigit(Path.GetFileName(f)[0])))
        {
            int id = int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture);
            if (Stat(id) is [not "Z", var parent, ..] && parent == _launcher.Id.ToString(CultureInfo.InvariantCulture)
                && Text(folder + "/environ").Split('\0').Contains(FormattableString.Invariant($"RANK={rank}")))
            {
                return id;
            }
        }

        return 0;
    }

    private static bool IsAlive(int process) => Stat(process) is [not "Z", ..];

    private static string[] Stat(int process)
    {
        string text = Text(FormattableString.Invariant($"/proc/{process}/stat"));
        return text.Length == 0 ? [] : text[(text.LastIndexOf(')') + 2)..].Split(' ');
    }

    private static string Text(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
