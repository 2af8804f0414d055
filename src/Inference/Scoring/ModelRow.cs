namespace GenoSeq.Inference.Scoring;

/// <summary>One sequence of ids for a model, and the positions whose prediction is wanted.</summary>
/// <param name="Ids">[length].</param>
/// <param name="Positions">Positions of predictions, ascending; a causal model predicts the next base there, a masked one the base itself.</param>
/// <param name="Targets">The id asked for at each of them; empty where all ids are.</param>
internal sealed record ModelRow(int[] Ids, int[] Positions, int[] Targets)
{
    /// <summary>Natural logarithms of the targets' probabilities [positions]; or of all ids' [positions * vocab].</summary>
    internal float[] LogP { get; set; } = [];
}
