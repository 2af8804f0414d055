using System.Diagnostics;
using System.Globalization;

namespace GenoSeq.Training.Runs;

/// <summary>What the process has used so far.</summary>
/// <param name="Wall">Time since the process began.</param>
/// <param name="Cpu">User and system time of all its threads.</param>
/// <param name="PeakBytes">Largest resident memory, bytes.</param>
public readonly record struct ProcessUsage(TimeSpan Wall, TimeSpan Cpu, long PeakBytes)
{
    /// <summary>Asks the operating system.</summary>
    public static ProcessUsage Read()
    {
        TimeSpan wall = Age();
        return new ProcessUsage(wall < TimeSpan.Zero ? TimeSpan.Zero : wall, Environment.CpuUsage.TotalTime, PeakResident());
    }

    /// <summary>One line for people: <c>wall 12.3 s, CPU 40.1 s, peak memory 1.25 GiB</c>.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"wall {Wall.TotalSeconds:0.0##} s, CPU {Cpu.TotalSeconds:0.0##} s, peak memory {PeakBytes / (double)(1L << 30):0.000} GiB");

    // What Linux says in two small files; the runtime's Process class takes a while to load, which a short command would feel.
    private static TimeSpan Age()
    {
        const int StartField = 21;
        const double TicksPerSecond = 100;
        try
        {
            string stat = File.ReadAllText("/proc/self/stat");
            // The second field is the program's name in parentheses, and may hold anything.
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            string uptime = File.ReadAllText("/proc/uptime").Split(' ')[0];
            return TimeSpan.FromSeconds(
                double.Parse(uptime, CultureInfo.InvariantCulture) - (double.Parse(fields[StartField - 2], CultureInfo.InvariantCulture) / TicksPerSecond));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException or IndexOutOfRangeException)
        {
            using Process self = Process.GetCurrentProcess();
            return DateTime.Now - self.StartTime;
        }
    }

    private static long PeakResident()
    {
        try
        {
            foreach (string line in File.ReadLines("/proc/self/status"))
            {
                // "VmHWM:     12345 kB": the high-water mark of resident memory.
                if (line.StartsWith("VmHWM:", StringComparison.Ordinal)
                    && long.TryParse(line.AsSpan(6).Trim().TrimEnd("kB").Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long kib))
                {
                    return kib * 1024;
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Not Linux: the runtime's own figure is the next best.
        }

        using Process self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }
}
