using System.Text.Json.Nodes;
using GenoSeq.Models.Families.Caduceus;
using GenoSeq.Models.Families.Hyena;
using GenoSeq.Models.Families.Jamba;
using GenoSeq.Models.Families.Mamba;
using GenoSeq.Models.Families.Transformer;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Families;

/// <summary>
/// How one community stores a family: the keys of its <c>config.json</c> and the names of its tensors. Reading and writing
/// both go through it, so a checkpoint of ours is a checkpoint of theirs.
/// </summary>
public abstract class ModelLayout
{
    /// <summary>Short name, as <c>genoseq convert --to</c> takes it.</summary>
    public abstract string Name { get; }

    /// <summary>Every layout; the native one last, since it can express anything.</summary>
    public static IReadOnlyList<ModelLayout> All { get; } =
        [new CaduceusLayout(), new MambaLayout(), new FalconMambaLayout(), new Mamba2Layout(), new LlamaLayout(), new JambaLayout(), new HyenaDnaLayout(), new HyenaDnaStandaloneLayout(), new NativeLayout()];

    /// <summary>The layout that a configuration file is written in.</summary>
    /// <exception cref="CheckpointException">None recognises it.</exception>
    public static ModelLayout Of(JsonObject config, string file) =>
        All.FirstOrDefault(l => l.Recognizes(config)) ?? throw new CheckpointException(
            $"the configuration is of no family that GenoSeq reads (model_type {config["model_type"]?.ToJsonString() ?? "absent"})", file,
            "model_type caduceus, mamba, falcon_mamba, mamba2, llama, jamba, hyenadna or genoseq, or the keys of Caduceus or HyenaDNA", "see `genoseq models`");

    /// <summary>The first layout that can express a configuration: the one that its checkpoints are written in.</summary>
    public static ModelLayout For(ModelConfig config) => All.First(l => l.CanExpress(config));

    /// <summary>Whether a configuration file is in this layout.</summary>
    public abstract bool Recognizes(JsonObject config);

    /// <summary>Whether a head is what other projects have: their files know no cap of logits.</summary>
    protected static bool PlainHead(ModelConfig config) => config is { LogitCap: 0 };

    /// <summary>Whether the layout has keys and tensors for all that a configuration says.</summary>
    public abstract bool CanExpress(ModelConfig config);

    /// <summary>Reads the layout's configuration.</summary>
    /// <param name="config">The parsed file.</param>
    /// <param name="file">Its name, for messages.</param>
    public abstract ModelConfig Read(JsonObject config, string file);

    /// <summary>Writes the layout's configuration.</summary>
    public abstract JsonObject Write(ModelConfig config);

    /// <summary>The layout's name of a tensor of ours.</summary>
    public abstract string FileName(string name, ModelConfig config);

    /// <summary>The name that the layout gives to what a file of it calls otherwise, as some programs wrote them.</summary>
    public virtual string Canonical(string name) => name;

    /// <summary>Tensors that files of this layout hold and that are not parameters.</summary>
    public virtual IEnumerable<(string Name, Func<Tensor> Value)> Constants(SequenceModel model) => [];

    /// <summary>Whether a tensor of a file belongs to the head of a task, which is no part of the model.</summary>
    public virtual bool IsTaskHead(string name) => false;

    /// <summary>The alphabet that other projects' vocabularies stand for, which do not name it.</summary>
    private protected static string Alphabet(ConfigKeys keys) => keys.Int("vocab_size") > 16 ? "bytes" : "caduceus";

    /// <summary>Replaces the numbered layer's prefix: <c>layers.3.x</c> to <c>prefix.3.</c> and <c>x</c>.</summary>
    protected static bool TryLayer(string name, out string index, out string rest)
    {
        string[] parts = name.Split('.', 3);
        bool layer = parts is ["layers", _, _];
        (index, rest) = layer ? (parts[1], parts[2]) : ("", "");
        return layer;
    }
}

/// <summary>GenoSeq's own names: for what no other layout can express.</summary>
public sealed class NativeLayout : ModelLayout
{
    /// <inheritdoc/>
    public override string Name => "genoseq";

    /// <inheritdoc/>
    public override bool Recognizes(JsonObject config) => ConfigKeys.ModelType(config) == "genoseq";

    /// <inheritdoc/>
    public override bool CanExpress(ModelConfig config) => true;

    /// <inheritdoc/>
    public override ModelConfig Read(JsonObject config, string file) =>
        throw new CheckpointException("the native configuration is missing", file, "an object under the key genoseq", "write it again");

    /// <inheritdoc/>
    public override JsonObject Write(ModelConfig config) => new() { ["model_type"] = "genoseq" };

    /// <inheritdoc/>
    public override string FileName(string name, ModelConfig config) => name;
}
