namespace GenoSeq.Models.Kernels;

/// <summary>Inputs of the softmax cross-entropy.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly unsafe struct CrossEntropyInputs<T>
    where T : unmanaged
{
    /// <summary>Tokens (rows of the logits); 0 is a no-op.</summary>
    public int Tokens { get; init; }

    /// <summary>Classes per token, 2 to <see cref="CrossEntropy.MaxVocab"/>.</summary>
    public int Vocab { get; init; }

    /// <summary>Logits [tokens, vocab].</summary>
    public T* Logits { get; init; }

    /// <summary>Elements between rows of <see cref="Logits"/>.</summary>
    public long LogitsStride { get; init; }

    /// <summary>Target class per token [tokens]; negative means the token is ignored.</summary>
    public int* Targets { get; init; }

    /// <summary>Weight per token [tokens]; null means 1.</summary>
    public T* Weights { get; init; }

    /// <summary>Coefficient of the squared log-partition penalty ("z-loss"); 0 for none.</summary>
    public T ZLoss { get; init; }
}

/// <summary>Optional per-token outputs of the softmax cross-entropy.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly unsafe struct CrossEntropyOutputs<T>
    where T : unmanaged
{
    /// <summary>Unweighted loss per token [tokens], z-loss included, 0 where ignored; null when not wanted.</summary>
    public T* Losses { get; init; }

    /// <summary>log sum exp of each row's logits [tokens], 0 where ignored; spares the backward pass a sum. Null when not wanted.</summary>
    public T* LogPartition { get; init; }
}

/// <summary>Arguments of the backward pass of the softmax cross-entropy.</summary>
/// <typeparam name="T">Element type.</typeparam>
public readonly unsafe struct CrossEntropyGradients<T>
    where T : unmanaged
{
    /// <summary>Gradient of the logits [tokens, vocab], overwritten; 0 where ignored. May be the logits themselves.</summary>
    public T* DLogits { get; init; }

    /// <summary>Elements between rows of <see cref="DLogits"/>.</summary>
    public long DLogitsStride { get; init; }

    /// <summary>Factor on the gradient of the weighted loss sum, e.g. 1 / sum of weights for a mean.</summary>
    public T Scale { get; init; }

    /// <summary>The forward pass's log partition [tokens]; null makes the backward pass compute it.</summary>
    public T* LogPartition { get; init; }
}

/// <summary>Sums over tokens of the softmax cross-entropy.</summary>
/// <param name="LossSum">Sum of weight * loss over tokens that are not ignored.</param>
/// <param name="WeightSum">Sum of weights of tokens that are not ignored.</param>
/// <param name="Correct">Tokens whose target is the first largest logit.</param>
/// <param name="Count">Tokens that are not ignored.</param>
public readonly record struct CrossEntropyTotals(double LossSum, double WeightSum, long Correct, long Count);
