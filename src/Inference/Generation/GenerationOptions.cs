namespace GenoSeq.Inference.Generation;

/// <summary>How sequences are generated. The batch changes nothing but speed and memory.</summary>
public sealed record GenerationOptions
{
    /// <summary>Sequences for each prompt.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Bases of a sequence, its prompt not counted.</summary>
    public long MaxBases { get; init; } = 1000;

    /// <summary>Logits are divided by it: below 1 more of the likely, above 1 more of the unlikely; 0: always the most likely base.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Only so many of the most likely bases; 0: all.</summary>
    public int TopK { get; init; }

    /// <summary>Only the most likely bases that together have this probability; 1: all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Seed: sequence number i of a seed is always the same.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Letters that may come.</summary>
    public string Letters { get; init; } = "ACGT";

    /// <summary>A sequence ends behind the first occurrence of this word; null: at its length only.</summary>
    public string? Stop { get; init; }

    /// <summary>Sequences that are generated together.</summary>
    public int Batch { get; init; } = 8;

    /// <summary>Bases of a prompt that are read at once.</summary>
    public int PromptPiece { get; init; } = 16384;

    /// <summary>Every problem of these options; empty when there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        Need(Count >= 1, $"count is {Count}; expected 1 or more");
        Need(MaxBases >= 1, $"max_bases is {MaxBases}; expected 1 or more");
        Need(Temperature >= 0 && double.IsFinite(Temperature), $"temperature is {Temperature}; expected 0 or more");
        Need(TopK >= 0, $"top_k is {TopK}; expected 0 (all) or more");
        Need(TopP is > 0 and <= 1, $"top_p is {TopP}; expected more than 0, up to 1");
        Need(Letters.Length > 0 && Letters.All(char.IsAsciiLetter) && Letters.Distinct().Count() == Letters.Length, $"letters is '{Letters}'; expected different letters, such as ACGT");
        Need(Stop is null || (Stop.Length > 0 && Stop.All(c => Letters.Contains(c, StringComparison.Ordinal))), $"stop is '{Stop}'; expected a word of the letters {Letters}");
        Need(Batch is >= 1 and <= 65535, $"batch is {Batch}; expected 1 to 65535");
        Need(PromptPiece >= 1, $"prompt_piece is {PromptPiece}; expected 1 or more");
        return problems;

        void Need(bool right, string problem)
        {
            if (!right)
            {
                problems.Add(FormattableString.Invariant($"{problem}"));
            }
        }
    }
}
