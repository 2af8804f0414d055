namespace GenoSeq.Inference.Generation;

/// <summary>A generated sequence.</summary>
/// <param name="Number">Its number, from 0: with the seed it says which sequence it is.</param>
/// <param name="Prompt">Name of its prompt; empty without one.</param>
/// <param name="Copy">Which of its prompt's sequences it is, from 0.</param>
/// <param name="Bases">What was generated, ASCII; the prompt is not repeated.</param>
public sealed record GeneratedSequence(long Number, string Prompt, int Copy, byte[] Bases);

/// <summary>Receives sequences one after the other, in the order of their numbers, piece by piece.</summary>
public interface IGenerationSink
{
    /// <summary>A sequence begins.</summary>
    /// <param name="number">Its number, from 0.</param>
    /// <param name="prompt">Name of its prompt; empty without one.</param>
    /// <param name="copy">Which of its prompt's sequences it is, from 0.</param>
    /// <param name="promptBases">The prompt, ASCII.</param>
    public void Begin(long number, string prompt, int copy, ReadOnlySpan<byte> promptBases);

    /// <summary>More bases of the sequence.</summary>
    public void Append(ReadOnlySpan<byte> bases);

    /// <summary>The sequence is whole.</summary>
    public void End();
}

/// <summary>How fast it goes.</summary>
/// <param name="Position">Bases of each row so far, prompts not counted.</param>
/// <param name="Bases">Bases of all rows since the last report.</param>
/// <param name="Seconds">Time since the last report.</param>
/// <param name="StateBytes">Memory of the states.</param>
public readonly record struct GenerationSpeed(long Position, long Bases, double Seconds, long StateBytes);
