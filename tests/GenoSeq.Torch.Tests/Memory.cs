namespace GenoSeq.Torch.Tests;

/// <summary>What the process holds.</summary>
internal static class Memory
{
    /// <summary>Resident memory in bytes (VmRSS).</summary>
    internal static long Resident()
    {
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith("VmRSS:", StringComparison.Ordinal))
            {
                return long.Parse(line.AsSpan(6, line.Length - 6 - 3).Trim(), null) * 1024;
            }
        }

        throw new InvalidOperationException("no VmRSS");
    }

    /// <summary>Collects until finalizers have run.</summary>
    internal static void Collect()
    {
        for (int k = 0; k < 3; k++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
