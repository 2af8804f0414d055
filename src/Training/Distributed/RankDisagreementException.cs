namespace GenoSeq.Training.Distributed;

/// <summary>The ranks of a run were not started with the same program, configuration or data.</summary>
/// <param name="message">A sentence that names the field, its values and their ranks.</param>
public sealed class RankDisagreementException(string message) : Exception(message)
{
    /// <summary>What would have been right.</summary>
    public static string Expected => "the same program, configuration and data on every rank";
}
