namespace GenoSeq.Torch;

/// <summary>What a launcher says of the processes that train together is incomplete or wrong.</summary>
public sealed class DistributedEnvironmentException : ArgumentException
{
    /// <summary>Composes the message.</summary>
    /// <param name="launcher">Who started the processes.</param>
    /// <param name="problems">Every problem.</param>
    public DistributedEnvironmentException(string launcher, IReadOnlyList<string> problems)
        : base($"{(launcher == "the environment" ? launcher : "what " + launcher + " says")} of a distributed run is incomplete:\n  "
            + string.Join("\n  ", problems) + "\n  try: " + Advice)
    {
        Launcher = launcher;
        Problems = problems;
    }

    /// <summary>What to do.</summary>
    public static string Advice =>
        "start the processes with a launcher that sets these (`genoseq launch`, torchrun), or set MASTER_ADDR and MASTER_PORT";

    /// <summary>Who started the processes.</summary>
    public string Launcher { get; }

    /// <summary>Every problem.</summary>
    public IReadOnlyList<string> Problems { get; }
}
