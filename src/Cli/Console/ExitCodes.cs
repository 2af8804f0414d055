namespace GenoSeq.Cli.Console;

/// <summary>What the program's exit code says.</summary>
public static class ExitCodes
{
    /// <summary>All is done; also when the reader of a pipe had enough.</summary>
    public const int Ok = 0;

    /// <summary>The run failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the configuration is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Input data is missing or malformed.</summary>
    public const int BadInput = 3;

    /// <summary>A library, device, memory, disk space or port that was asked for is not there.</summary>
    public const int MissingResource = 4;

    /// <summary>Interrupted by a signal; a training run has written its checkpoint.</summary>
    public const int Interrupted = 130;
}
