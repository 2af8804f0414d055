using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using GenoSeq.Models.Families;
using GenoSeq.Models.Families.Caduceus;
using GenoSeq.Torch;
using GenoSeq.Torch.IO;
using GenoSeq.Torch.Safetensors;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models;

/// <summary>
/// Models on disk: a folder with <c>config.json</c> and <c>model.safetensors</c> in the layout that users of the family
/// expect. Tied tensors are stored once and rebuilt.
/// </summary>
public static partial class ModelFile
{
    /// <summary>Name of the weights' file in a folder.</summary>
    public const string Weights = "model.safetensors";

    /// <summary>Name of the configuration's file in a folder.</summary>
    public const string Configuration = "config.json";

    private const string NativeKey = "genoseq";

    /// <summary>Builds a model with fresh weights.</summary>
    public static SequenceModel Create(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        return new SequenceModel(config, config.RcEquivariant ? ComplementOf(config) : []);
    }

    /// <summary>Loads a model from a folder.</summary>
    /// <exception cref="CheckpointException">The folder holds no model, or not all of one.</exception>
    /// <exception cref="SafetensorsException">The weights' file is broken.</exception>
    public static SequenceModel Load(string folder)
    {
        string config = Path.Combine(folder, Configuration);
        if (!File.Exists(config))
        {
            throw new CheckpointException(Directory.Exists(folder) ? $"there is no {Configuration}" : "there is no such folder", folder,
                $"a folder with {Configuration} and {Weights}", "name the folder of a checkpoint");
        }

        return Load(config, folder);
    }

    /// <summary>Loads a model from a configuration file and weights.</summary>
    /// <param name="configFile">The configuration, in any layout.</param>
    /// <param name="weights">A safetensors file, a sharded index, or a folder with either.</param>
    public static SequenceModel Load(string configFile, string weights)
    {
        (ModelConfig config, ModelLayout layout) = ReadConfig(configFile);
        SequenceModel model = Create(config);
        try
        {
            using SafetensorsCheckpoint file = SafetensorsCheckpoint.Open(weights);
            LoadWeights(model, layout, file);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Reads a configuration file in any layout.</summary>
    public static (ModelConfig Config, ModelLayout Layout) ReadConfig(string file)
    {
        JsonObject json;
        try
        {
            json = JsonNode.Parse(Finite(File.ReadAllText(file))) as JsonObject
                ?? throw new CheckpointException("the configuration is not a JSON object", file, "{...}", "download it again");
        }
        catch (JsonException e)
        {
            throw new CheckpointException($"the configuration is not JSON: {e.Message}", file, "a JSON object", "download it again");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CheckpointException("there is no such file", file, "a model's config.json", "check the path");
        }

        ModelLayout layout = ModelLayout.Of(json, file);
        try
        {
            ModelConfig config = json[NativeKey] is { } native ? ModelJson.Read(native) : layout.Read(json, file);
            ModelConfigException.ThrowIfAny(config);
            return (config, layout);
        }
        catch (Exception e) when (e is JsonException or ModelConfigException)
        {
            throw new CheckpointException($"the configuration makes no model: {e.Message}", file, "a configuration of a model", "see `genoseq models`");
        }
    }

    // Python writes infinities (time_step_limit) as a bare word, which is no JSON; a number beyond the largest says the same.
    private static string Finite(string json) => BareInfinity().Replace(json, "1e999");

    [GeneratedRegex("(?<=[\\[:,]\\s*)Infinity(?=\\s*[,\\]}])")]
    private static partial Regex BareInfinity();

    /// <summary>The text of a model's configuration file.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="layout">The layout to write; the configuration's own when null.</param>
    /// <param name="head">A head that is stored with the model, whose keys are laid over the layout's; null: none.</param>
    public static string ConfigText(ModelConfig config, ModelLayout? layout = null, ModelFileHead? head = null)
    {
        layout ??= ModelLayout.For(config);
        JsonObject json = layout.Write(config);
        foreach ((string key, JsonNode? value) in head?.Keys ?? [])
        {
            json[key] = value?.DeepClone();
        }

        // The whole of our settings too: a layout's keys may not say everything (initial values, say).
        json[NativeKey] = ModelJson.Write(config);
        return json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n";
    }

    /// <summary>Writes a model into a folder; each file appears whole or not at all.</summary>
    /// <param name="model">The model.</param>
    /// <param name="folder">The folder; made if need be.</param>
    /// <param name="layout">The layout to write; the configuration's own when null.</param>
    /// <param name="head">A head to store with the model; null: none.</param>
    public static void Save(SequenceModel model, string folder, ModelLayout? layout = null, ModelFileHead? head = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        layout ??= ModelLayout.For(model.Config);
        Directory.CreateDirectory(folder);
        using DisposeScope scope = NewDisposeScope();
        IEnumerable<SafetensorsSource> tensors = Named(model, layout).Select(p => TensorFiles.Source(p.Name, p.Value))
            .Concat(layout.Constants(model).Select(c => TensorFiles.Source(c.Name, c.Value())))
            .Concat((head?.Tensors ?? []).Select(t => TensorFiles.Source(t.Name, t.Value)));
        SafetensorsWriter.WriteFile(Path.Combine(folder, Weights), tensors, new Dictionary<string, string> { ["format"] = "pt" });
        AtomicFile.WriteAllText(Path.Combine(folder, Configuration), ConfigText(model.Config, layout, head));
    }

    /// <summary>Parameters under a layout's names, each once.</summary>
    public static IEnumerable<(string Name, nn.Parameter Value)> Named(SequenceModel model, ModelLayout layout)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(layout);
        return model.named_parameters().Select(p => (layout.FileName(p.name, model.Config), p.parameter));
    }

    /// <summary>Fills a model from a file. A tied tensor may be stored under any of its names; if under several, equal.</summary>
    /// <exception cref="CheckpointException">Tensors are missing, unexpected, or of another shape.</exception>
    public static void LoadWeights(SequenceModel model, ModelLayout layout, SafetensorsCheckpoint file)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(file);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        var targets = model.named_parameters(remove_duplicate: false)
            .ToDictionary(p => layout.FileName(p.name, model.Config), p => p.parameter);
        Dictionary<string, Func<Tensor>> constants = layout.Constants(model).ToDictionary(c => c.Name, c => c.Value);
        var filled = new Dictionary<nn.Parameter, string>(ReferenceEqualityComparer.Instance);
        var unexpected = new List<string>();
        var shapes = new List<string>();
        foreach (string name in file.Entries.Select(e => e.Name))
        {
            string own = layout.Canonical(name);
            if (targets.TryGetValue(own, out nn.Parameter? target))
            {
                long[] stored = file[name].Shape;
                if (stored.AsSpan().SequenceEqual(target.shape))
                {
                    Fill(target, name, file, filled);
                }
                else
                {
                    shapes.Add($"{name} [{string.Join(", ", stored)}] and not [{string.Join(", ", target.shape)}]");
                    filled.TryAdd(target, name);
                }
            }
            else if (constants.TryGetValue(own, out Func<Tensor>? constant))
            {
                Expect(constant(), name, file);
            }
            else if (!layout.IsTaskHead(own))
            {
                unexpected.Add(name);
            }
        }

        string[] missing = [.. Named(model, layout).Where(p => !filled.ContainsKey(p.Value)).Select(p => p.Name)];
        if (missing.Length > 0 || unexpected.Count > 0 || shapes.Count > 0)
        {
            throw new CheckpointException(
                $"the weights are not this model's: {Sample(missing, "missing")}; {Sample(unexpected, "unexpected")}; "
                + Sample(shapes, "of another shape"), file.Path,
                $"the {layout.Name} layout of {model.Config.Family()} with d_model {model.Config.DModel} and {model.Config.NLayer} layers",
                "the config.json that belongs to these weights");
        }
    }

    private static void Fill(nn.Parameter target, string name, SafetensorsCheckpoint file, Dictionary<nn.Parameter, string> filled)
    {
        using Tensor value = TensorFiles.Read(file, name);
        if (filled.TryGetValue(target, out string? first))
        {
            using Tensor same = value.to(target.dtype).eq(target.cpu());
            if (!same.ToArray<bool>().All(b => b))
            {
                throw new CheckpointException($"tensors {first} and {name} are tied in this model but differ", file.Path,
                    "equal values", "set the tie off in config.json (bidirectional_weight_tie, tie_word_embeddings)");
            }

            return;
        }

        target.copy_(value);
        filled.Add(target, name);
    }

    // What we compute is what the file must hold: a model with another complement would be silently another function.
    private static void Expect(Tensor constant, string name, SafetensorsCheckpoint file)
    {
        using Tensor value = TensorFiles.Read(file, name);
        bool same = value.shape.AsSpan().SequenceEqual(constant.shape);
        if (constant.dtype.IsFloatingPoint())
        {
            // Programs round what they compute differently.
            if (!same || !value.to(constant.dtype).allclose(constant, 0, 1e-5))
            {
                throw new CheckpointException($"tensor {name} is not what the configuration gives", file.Path,
                    $"[{string.Join(", ", constant.shape)}], the values of an untrained one", "the config.json that belongs to these weights");
            }

            return;
        }

        if (!same || !value.to(constant.dtype).equal(constant))
        {
            throw new CheckpointException($"tensor {name} is [{string.Join(", ", value.to(int64).ToArray<long>().Take(32))}]", file.Path,
                $"[{string.Join(", ", constant.ToArray<long>())}]", "a checkpoint with the published vocabulary");
        }
    }

    private static string Sample(IReadOnlyCollection<string> names, string what) => names.Count == 0
        ? $"none {what}"
        : $"{names.Count} {what} ({string.Join(", ", names.Take(5))}{(names.Count > 5 ? ", ..." : "")})";

    private static int[] ComplementOf(ModelConfig config) => config.Alphabet == "caduceus"
        ? CaduceusComplement.Map(config.VocabSize)
        : BytesComplement(config.VocabSize);

    // The bytes alphabet: letters of the IUPAC code, case kept.
    private static int[] BytesComplement(int vocab)
    {
        int[] map = [.. Enumerable.Range(0, vocab)];
        const string From = "ACGTRYKMBVDHacgtrykmbvdh";
        const string To = "TGCAYRMKVBHDtgcayrmkvbhd";
        for (int i = 0; i < From.Length; i++)
        {
            map[From[i]] = To[i];
        }

        return map;
    }
}
