using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Baselines;

/// <summary>
/// The convolutional baseline of Genomic Benchmarks (Gresova et al. 2023, BMC Genomic Data): embedding, three times
/// convolution, batch normalisation, ReLU and pooling by two, then two linear layers.
/// </summary>
/// <remarks>
/// With 5 ids, 512 positions and one output it has 132,425 parameters; the dense layer grows with the input, and with it the count.
/// There is no activation between the two linear layers, as in the original. Unlike there, outputs are logits, one for each class.
/// </remarks>
public sealed class CnnBaseline : nn.Module
{
    private readonly nn.ModuleList<nn.Conv1d> _convolutions;
    private readonly nn.ModuleList<nn.BatchNorm1d> _norms;
    private readonly nn.Embedding _embeddings;
    private readonly nn.Linear _dense;
    private readonly nn.Linear _output;

    /// <summary>Builds the network with fresh weights from the default generator.</summary>
    /// <param name="config">Its sizes.</param>
    /// <exception cref="ArgumentException">The sizes make no network; every problem is listed.</exception>
    public CnnBaseline(CnnConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (config.Validate().ToArray() is { Length: > 0 } problems)
        {
            throw new ArgumentException(string.Join("; ", problems), nameof(config));
        }

        using DisposeScope scope = NewDisposeScope();
        Config = config;
        _embeddings = register_module("embeddings", new nn.Embedding(config.VocabSize, config.EmbeddingDim));
        int[] widths = [config.EmbeddingDim, .. config.Channels];
        _convolutions = register_module("convolutions", new nn.ModuleList<nn.Conv1d>(
            config.Channels.Select((c, i) => new nn.Conv1d(widths[i], c, config.KernelSize))));
        _norms = register_module("norms", new nn.ModuleList<nn.BatchNorm1d>(config.Channels.Select(c => new nn.BatchNorm1d(c))));
        _dense = register_module("dense", new nn.Linear((long)config.Channels[^1] * config.OutputLength, config.DenseDim, hasBias: true));
        _output = register_module("output", new nn.Linear(config.DenseDim, config.Outputs, hasBias: true));
    }

    /// <summary>Its sizes.</summary>
    public CnnConfig Config { get; }

    /// <summary>Logits [batch, outputs] of ids [batch, input_length] (int64).</summary>
    /// <exception cref="ArgumentException">The ids have another length.</exception>
    public Tensor forward(Tensor ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        if (ids.dim() != 2 || ids.size(1) != Config.InputLength)
        {
            throw new ArgumentException($"ids have the shape [{string.Join(", ", ids.shape)}]; expected [batch, {Config.InputLength}]", nameof(ids));
        }

        Tensor x = _embeddings.forward(ids).transpose(1, 2);
        for (int i = 0; i < _convolutions.Count; i++)
        {
            x = nn.functional.max_pool1d(nn.functional.relu(_norms[i].forward(_convolutions[i].forward(x))), 2);
        }

        return _output.forward(_dense.forward(x.flatten(1)));
    }
}
