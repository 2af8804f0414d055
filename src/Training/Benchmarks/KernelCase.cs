namespace GenoSeq.Training.Benchmarks;

/// <summary>One pass of one kernel at one shape, ready to run on inputs that are in place.</summary>
/// <param name="Kernel">Its name.</param>
/// <param name="Pass">Which pass: forward, backward and so on.</param>
/// <param name="Shape">Directions x batch x length x channels.</param>
/// <param name="Run">One run; what it allocates belongs to the scope around it.</param>
internal sealed record KernelCase(string Kernel, string Pass, string Shape, Action Run)
{
    /// <summary>Elements (of all directions), tokens or parameters of one run.</summary>
    internal required double Elements { get; init; }

    /// <summary>What <see cref="Elements"/> counts.</summary>
    internal string Unit { get; init; } = "elements";

    /// <summary>Bytes that have to be read and written at least, given what the pass is asked for.</summary>
    internal required double Bytes { get; init; }

    /// <summary>Exponentials of the recurrence.</summary>
    internal double Exponentials { get; init; }
}

/// <summary>One launch of a kernel on a GPU, and how full it made the card.</summary>
/// <param name="Entry">Name of the entry point.</param>
/// <param name="Blocks">Blocks of the grid.</param>
/// <param name="Threads">Threads of a block.</param>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="SharedBytes">Dynamic shared memory of a block.</param>
/// <param name="LocalBytes">Local memory of a thread: spills.</param>
/// <param name="ResidentShare">Warps resident at once, of those that the card can hold.</param>
public sealed record KernelLaunch(string Entry, long Blocks, int Threads, int Registers, int SharedBytes, int LocalBytes, double ResidentShare);
