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
        using Process self = Process.GetCurrentProcess();
        TimeSpan wall = DateTime.Now - self.StartTime;
        return new ProcessUsage(wall < TimeSpan.Zero ? TimeSpan.Zero : wall, self.TotalProcessorTime, PeakResident(self));
    }

    /// <summary>One line for people: <c>wall 12.3 s, CPU 40.1 s, peak memory 1.25 GiB</c>.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"wall {Wall.TotalSeconds:0.0##} s, CPU {Cpu.TotalSeconds:0.0##} s, peak memory {PeakBytes / (double)(1L << 30):0.000} GiB");

    private static long PeakResident(Process self)
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

        return self.PeakWorkingSet64;
    }
}
