using GenoSeq.Inference.Streaming;
using GenoSeq.Models;

namespace GenoSeq.Inference.Embedding;

/// <summary>How states of positions become rows.</summary>
public enum StatePooling
{
    /// <summary>Mean over a row's positions.</summary>
    Mean,

    /// <summary>Largest value of each channel over a row's positions.</summary>
    Max,

    /// <summary>The last position that is read: of each strand its own last one.</summary>
    Last,

    /// <summary>A row for each position.</summary>
    None,
}

/// <summary>Which strands are embedded.</summary>
public enum StrandMode
{
    /// <summary>The sequence as it is given.</summary>
    Forward,

    /// <summary>Its reverse complement; rows stay in the order of the sequence's positions.</summary>
    Rc,

    /// <summary>The mean of both.</summary>
    Average,

    /// <summary>Both, one behind the other; of equivariant models the other strand's channels are reversed, as the reference lays hidden states out.</summary>
    Concat,
}

/// <summary>What is computed of each sequence.</summary>
public sealed record EmbedOptions
{
    /// <summary>How states become rows.</summary>
    public StatePooling Pooling { get; init; } = StatePooling.Mean;

    /// <summary>Positions of a row; 0: all of the sequence.</summary>
    public int Bin { get; init; }

    /// <summary>
    /// Layers, one behind the other in a row: 0 the embedding, n_layer or -1 the last layer after the final norm, others the residual
    /// stream behind so many layers.
    /// </summary>
    public IReadOnlyList<int> Layers { get; init; } = [-1];

    /// <summary>Strands; null for both of equivariant models, and forward of others.</summary>
    public StrandMode? Strand { get; init; }

    /// <summary>Positions that are computed on at once, where sequences are short; 0 chooses by the memory.</summary>
    public int BatchBases { get; init; }

    /// <summary>What happens with sequences that do not fit into memory.</summary>
    public StreamOptions Streaming { get; init; } = new();

    /// <summary>Positions of a row, 0 for all of a sequence.</summary>
    internal int RowBases => Pooling == StatePooling.None ? 1 : Bin;

    /// <summary>Every problem with these options; empty if there is none.</summary>
    /// <param name="model">The model they are for.</param>
    public IReadOnlyList<string> Validate(ModelConfig model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var problems = new List<string>(Streaming.Validate());
        if (Bin < 0)
        {
            problems.Add($"a bin has {Bin} positions; it must have at least 1");
        }

        if (Pooling == StatePooling.None && Bin > 1)
        {
            problems.Add("without pooling every position is a row, so a bin makes no sense");
        }

        if (BatchBases < 0)
        {
            problems.Add($"a batch has {BatchBases} bases; it must have at least 1, or 0 for the default");
        }

        if (Layers.Count == 0)
        {
            problems.Add("no layer is chosen");
        }

        foreach (int layer in Layers.Where(l => l > model.NLayer || l < -model.NLayer - 1))
        {
            problems.Add($"there is no layer {layer}; the model has 0 (the embedding) to {model.NLayer}, and -1 to {-model.NLayer - 1} from the end");
        }

        return problems;
    }

    /// <summary>The layers as numbers from 0.</summary>
    internal int[] LayerNumbers(ModelConfig model) => [.. Layers.Select(l => l < 0 ? model.NLayer + 1 + l : l)];

    /// <summary>The strands, resolved.</summary>
    public StrandMode StrandsOf(ModelConfig model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Strand ?? (model.RcEquivariant ? StrandMode.Concat : StrandMode.Forward);
    }

    /// <summary>Numbers of a row.</summary>
    public int Width(ModelConfig model) =>
        Layers.Count * model.DModel * (StrandsOf(model) == StrandMode.Concat ? 2 : 1);
}
