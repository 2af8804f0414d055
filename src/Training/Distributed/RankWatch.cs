using System.Globalization;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Training.Distributed;

/// <summary>How the ranks of a run watch over each other.</summary>
public sealed record RankWatch
{
    /// <summary>The environment variable behind <see cref="Timeout"/>, in seconds.</summary>
    public const string TimeoutVariable = "GENOSEQ_TIMEOUT";

    /// <summary>A rank that does not answer, or does not move, for so long counts as lost.</summary>
    public TimeSpan Timeout { get; init; } = RankGroup.DefaultTimeout;

    /// <summary>All ranks must have come within so long after the first: the timeout, and at least two minutes, in which hosts may start unequally fast.</summary>
    public TimeSpan Arrival
    {
        get => field > TimeSpan.Zero ? field : TimeSpan.FromSeconds(Math.Max(120, Timeout.TotalSeconds));
        init;
    }

    /// <summary>Is told the one sentence with which this process ends because of another, and its exit code; on another thread.</summary>
    public Action<string, int> Tell { get; init; } = static (_, _) => { };

    /// <summary>Ends the process at once, also in the middle of native work.</summary>
    public Action<int> Exit { get; init; } = Runs.ProcessEnd.Now;

    /// <summary>The exit code that an exception will have.</summary>
    public Func<Exception, int> CodeOf { get; init; } = static _ => 1;

    /// <summary>The timeout that the environment asks for.</summary>
    /// <param name="variable">Looks a variable up.</param>
    /// <exception cref="ConfigException">It is no number of seconds.</exception>
    public static TimeSpan TimeoutOf(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        if (variable(TimeoutVariable) is not { Length: > 0 } text)
        {
            return RankGroup.DefaultTimeout;
        }

        return double.TryParse(text, CultureInfo.InvariantCulture, out double seconds) && seconds is > 0 and < 1e7
            ? TimeSpan.FromSeconds(seconds)
            : throw new ConfigException(new ConfigProblem("", $"'{text}' is no time", new ConfigLocation("environment variable " + TimeoutVariable),
                "a number of seconds above 0"));
    }
}
