using GenoSeq.Data;
using GenoSeq.Inference.Embedding;
using GenoSeq.Inference.Generation;
using GenoSeq.Inference.Scoring;
using GenoSeq.Inference.Variants;
using GenoSeq.Models;
using GenoSeq.Torch;

namespace GenoSeq.Inference;

/// <summary>How a model is loaded.</summary>
public sealed record ModelLoadOptions
{
    /// <summary>Where it computes.</summary>
    public Device Device { get; init; } = Device.CPU;

    /// <summary>Matrix products in bfloat16.</summary>
    public bool HalfPrecision { get; init; }
}

/// <summary>
/// A trained model ready for use: the library's way in. <c>using GenoSeqModel model = GenoSeqModel.Load("runs/mine");</c>
/// </summary>
/// <remarks>One thread at a time may use a model.</remarks>
public sealed class GenoSeqModel : IDisposable
{
    private readonly Lazy<string> _digest;

    private GenoSeqModel(SequenceModel model, string folder)
    {
        Model = model;
        Folder = folder;
        _digest = new Lazy<string>(() => ModelDigest.Of(model));
    }

    /// <summary>The model itself.</summary>
    public SequenceModel Model { get; }

    /// <summary>The folder of its checkpoint.</summary>
    public string Folder { get; }

    /// <summary>Digest of configuration and weights: the same for copies of a checkpoint, wherever they lie.</summary>
    public string Digest => _digest.Value;

    /// <summary>Loads a model.</summary>
    /// <param name="path">A folder with <c>config.json</c> and weights; or of a run, whose best checkpoint is taken, else its last.</param>
    /// <param name="options">Null: single precision on the CPU.</param>
    /// <exception cref="CheckpointException">There is no model, or not all of one.</exception>
    public static GenoSeqModel Load(string path, ModelLoadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new ModelLoadOptions();
        string folder = Locate(path);
        SequenceModel model = ModelFile.Load(folder);
        try
        {
            model.to(options.Device);
            model.eval();
            model.SetComputeType(options.HalfPrecision ? torch.bfloat16 : torch.float32);
            return new GenoSeqModel(model, folder);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Embeddings of sequences, in their order: a row for each, or as many as <paramref name="options"/> say.</summary>
    /// <param name="sequences">The sequences.</param>
    /// <param name="options">Null: the mean over a sequence of the last layer's states.</param>
    /// <param name="stop">Ends the work.</param>
    /// <returns>For each sequence its rows one after the other.</returns>
    public float[][] Embed(IReadOnlyList<SequenceItem> sequences, EmbedOptions? options = null, CancellationToken stop = default) =>
        new Embedder(Model, options).Embed(sequences, stop: stop);

    /// <summary>The embedding of one sequence.</summary>
    /// <param name="sequence">Its bases.</param>
    /// <param name="options">Null: the mean over the sequence of the last layer's states.</param>
    public float[] Embed(string sequence, EmbedOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(sequence);
        return Embed([new SequenceItem("sequence", System.Text.Encoding.ASCII.GetBytes(sequence))], options)[0];
    }

    /// <summary>Likelihoods of sequences, in their order; of any number and length.</summary>
    /// <param name="sequences">The sequences.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="stop">Ends the work.</param>
    public IEnumerable<SequenceScore> Score(IEnumerable<ScoreItem> sequences, LikelihoodOptions? options = null, CancellationToken stop = default) =>
        new ScoreRun(Model, options).Run(sequences, stop: stop);

    /// <summary>The likelihood of one sequence.</summary>
    /// <param name="sequence">Its bases.</param>
    /// <param name="options">Null: the defaults.</param>
    public SequenceScore Score(string sequence, LikelihoodOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(sequence);
        return Score([new ScoreItem("sequence", System.Text.Encoding.ASCII.GetBytes(sequence))], options).Single();
    }

    /// <summary>Effects of variants of a genome.</summary>
    /// <param name="genome">The genome; it stays the caller's.</param>
    /// <param name="variants">The variants.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="stop">Ends the work.</param>
    public VariantScore[] ScoreVariants(GenomeSource genome, IReadOnlyList<VariantAllele> variants, VariantOptions? options = null, CancellationToken stop = default) =>
        new VariantScorer(Model, genome, options).Score(variants, stop);

    /// <summary>Draws sequences from a causal model.</summary>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="prompts">What they go on from; null: from nothing.</param>
    /// <param name="stop">Ends the work.</param>
    /// <exception cref="NotSupportedException">The model sees both sides of a position.</exception>
    public IReadOnlyList<GeneratedSequence> Generate(GenerationOptions? options = null, IEnumerable<ScoreItem>? prompts = null, CancellationToken stop = default) =>
        new Generator(Model, options).Run(prompts, stop);

    /// <summary>What a file made with this model says of its making.</summary>
    /// <param name="more">Further keys and values; every key gets the prefix <c>genoseq.</c></param>
    public IReadOnlyDictionary<string, string> Metadata(params ReadOnlySpan<(string Key, string Value)> more)
    {
        var result = new Dictionary<string, string> { ["genoseq.model"] = Digest, ["genoseq.family"] = Model.Config.Family() };
        foreach ((string key, string value) in more)
        {
            result[$"genoseq.{key}"] = value;
        }

        return result;
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();

    private static string Locate(string path)
    {
        string checkpoints = Path.Combine(path, "checkpoints");
        if (File.Exists(Path.Combine(path, ModelFile.Configuration)) || !Directory.Exists(checkpoints))
        {
            return path;
        }

        foreach (string pointer in (string[])["best", "last"])
        {
            string file = Path.Combine(checkpoints, pointer);
            if (File.Exists(file) && Path.Combine(checkpoints, File.ReadAllText(file).Trim()) is var folder && Directory.Exists(folder))
            {
                return folder;
            }
        }

        throw new CheckpointException("this run has no checkpoint", path, "a run with a checkpoint, or the folder of one", "name the folder of a checkpoint");
    }
}
