namespace GenoSeq.Data;

/// <summary>Turns ids into a next-token example.</summary>
public static class CausalTargets
{
    /// <summary>Sets inputs[t] = ids[t] and labels[t] = ids[t + 1], ignoring labels that are no base.</summary>
    /// <param name="alphabet">Decides which ids are targets.</param>
    /// <param name="ids">[length + 1], or [length] where the sequence ends with the window: then the last label is
    /// ignored.</param>
    /// <param name="inputs">[length]</param>
    /// <param name="labels">[length]</param>
    public static void Apply(Alphabet alphabet, ReadOnlySpan<int> ids, Span<int> inputs, Span<int> labels)
    {
        ArgumentNullException.ThrowIfNull(alphabet);
        ArgumentOutOfRangeException.ThrowIfNotEqual(labels.Length, inputs.Length, nameof(labels));
        if (ids.Length != inputs.Length && ids.Length != inputs.Length + 1)
        {
            throw new ArgumentException(
                $"{ids.Length} ids do not fit {inputs.Length} inputs: as many or one more are needed", nameof(ids));
        }
        ids[..inputs.Length].CopyTo(inputs);
        for (int t = 0; t < labels.Length; t++)
        {
            labels[t] = t + 1 < ids.Length && alphabet.IsTarget(ids[t + 1]) ? ids[t + 1] : Labels.Ignored;
        }
    }
}
