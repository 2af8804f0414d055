using GenoSeq.Torch;
using GenoSeq.Torch.Safetensors;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>Checkpoints that differ from what we write: accepted where the meaning is plain, refused with names where not.</summary>
public sealed class CheckpointTests
{
    private const string Layer = "caduceus.backbone.layers.0.mixer.submodule.";

    [Fact]
    public void Load_TiedTensorsStoredTwice_MustBeEqual()
    {
        using CheckpointFolder folder = Saved(TestModels.Caduceus(true, true), out SequenceModel model);
        using (model)
        {
            Assert.DoesNotContain("lm_head.lm_head.weight", folder.Stored().Keys);
            Assert.DoesNotContain(Layer + "mamba_rev.in_proj.weight", folder.Stored().Keys);
            folder.EditWeights(t =>
            {
                t.Add("lm_head.lm_head.weight", t["caduceus.backbone.embeddings.word_embeddings.embedding.weight"]);
                t.Add(Layer + "mamba_rev.in_proj.weight", t[Layer + "mamba_fwd.in_proj.weight"]);
            });
            using SequenceModel loaded = ModelFile.Load(folder.Path);
            Closeness.Bitwise(model.Head.weight, loaded.Head.weight, "head");
            folder.EditWeights(t => t[Layer + "mamba_rev.in_proj.weight"] = t[Layer + "mamba_rev.in_proj.weight"] + 1e-3);
            CheckpointException e = Assert.Throws<CheckpointException>(() => ModelFile.Load(folder.Path));
            Assert.Contains(Layer + "mamba_fwd.in_proj.weight", e.Message, StringComparison.Ordinal);
            Assert.Contains(Layer + "mamba_rev.in_proj.weight", e.Message, StringComparison.Ordinal);
            Assert.Contains("bidirectional_weight_tie", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Load_OnlyTheOtherNameOfATiedTensor_IsEnough()
    {
        using CheckpointFolder folder = Saved(TestModels.Causal(), out SequenceModel model);
        using (model)
        {
            folder.EditWeights(t =>
            {
                t.Add("lm_head.weight", t["backbone.embeddings.weight"]);
                t.Remove("backbone.embeddings.weight");
            });
            using SequenceModel loaded = ModelFile.Load(folder.Path);
            Closeness.Bitwise(model.Embedding.weight, loaded.Embedding.weight, "embedding");
        }
    }

    [Fact]
    public void Load_WrongTensors_NamesTheFirstFiveOfEachKind()
    {
        using CheckpointFolder folder = Saved(TestModels.Caduceus(true, true), out SequenceModel model);
        model.Dispose();
        folder.EditWeights(t =>
        {
            foreach (string name in t.Keys.Where(n => n.Contains("layers.1", StringComparison.Ordinal)).ToArray())
            {
                t.Remove(name);
            }

            for (int i = 0; i < 7; i++)
            {
                t.Add($"extra.{i}", zeros([1]));
            }

            t[Layer + "mamba_fwd.D"] = zeros([5]);
        });
        CheckpointException e = Assert.Throws<CheckpointException>(() => ModelFile.Load(folder.Path));
        string[] expected =
        [
            "17 missing", "caduceus.backbone.layers.1.norm.weight", "7 unexpected", "extra.0", "extra.4", "1 of another shape",
            Layer + "mamba_fwd.D [5] and not [24]", folder.Weights, "caduceus-ps with d_model 12 and 2 layers",
        ];
        Assert.All(expected, text => Assert.Contains(text, e.Message, StringComparison.Ordinal));
        Assert.DoesNotContain("extra.5", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_AnotherComplement_IsRefused()
    {
        using CheckpointFolder folder = Saved(TestModels.Caduceus(true, true), out SequenceModel model);
        model.Dispose();
        folder.EditWeights(t => t["lm_head.complement_map"] = arange(0, 16));
        CheckpointException e = Assert.Throws<CheckpointException>(() => ModelFile.Load(folder.Path));
        Assert.Contains("lm_head.complement_map", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_Shards_IsTheSame()
    {
        using CheckpointFolder folder = Saved(TestModels.Caduceus(true, true), out SequenceModel model);
        using (model)
        {
            using (DisposeScope scope = NewDisposeScope())
            {
                SafetensorsSource[] tensors;
                using (SafetensorsCheckpoint file = SafetensorsCheckpoint.Open(folder.Weights))
                {
                    tensors = [.. file.Entries.Select(e => TensorFiles.Source(e.Name, TensorFiles.Read(file, e.Name)))];
                }

                File.Delete(folder.Weights);
                SafetensorsShards.Write(folder.Path, tensors, 6000);
            }

            Assert.True(Directory.GetFiles(folder.Path, "*.safetensors").Length > 2);
            using SequenceModel loaded = ModelFile.Load(folder.Path);
            Assert.All(model.named_parameters().Zip(loaded.named_parameters()), p => Closeness.Bitwise(p.First.parameter, p.Second.parameter, p.First.name));
        }
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 1e-2)]
    [InlineData(ScalarType.Float16, 1e-3)]
    [InlineData(ScalarType.Float64, 0)]
    public void Load_OtherPrecision_IsConverted(ScalarType type, double tolerance)
    {
        using CheckpointFolder folder = Saved(TestModels.Causal(), out SequenceModel model);
        using (model)
        {
            folder.EditWeights(t =>
            {
                foreach (string name in t.Keys.ToArray())
                {
                    t[name] = t[name].to(type);
                }
            });
            using SequenceModel loaded = ModelFile.Load(folder.Path);
            Assert.All(loaded.parameters(), p => Assert.Equal(float32, p.dtype));
            Assert.All(model.named_parameters().Zip(loaded.named_parameters()), p =>
                Closeness.Check(p.First.parameter, p.Second.parameter, tolerance, p.First.name));
        }
    }

    [Theory]
    [InlineData("rms_norm", "false", "rms_norm is false")]
    [InlineData("d_model", "\"x\"", "d_model")]
    [InlineData("d_model", null, "d_model is missing")]
    [InlineData("bidirectional", "\"false,\"", "bidirectional")]
    [InlineData("bidirectional", "false", "rc_equivariant needs bidirectional")]
    [InlineData("bidirectional_strategy", "\"concat\"", "add or ew_multiply, not 'concat'")]
    [InlineData("ssm_cfg", """{"d_conv": 9}""", "d_conv must be 1 to 8")]
    [InlineData("ssm_cfg", """{"layer": "Mamba2"}""", "layer is 'Mamba2'")]
    [InlineData("complement_map", """{"7": 7}""", "complement_map takes 7 to 7")]
    [InlineData("n_layer", "0", "n_layer must be at least 1")]
    public void ReadConfig_UnsupportedSetting_IsRefusedByName(string key, string? value, string expected)
    {
        using CheckpointFolder folder = Saved(TestModels.Caduceus(true, true), out SequenceModel model);
        model.Dispose();
        folder.Edit(json =>
        {
            json.Remove("genoseq");
            json[key] = value is null ? null : System.Text.Json.Nodes.JsonNode.Parse(value);
        });
        CheckpointException e = Assert.Throws<CheckpointException>(() => ModelFile.ReadConfig(folder.Config));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.Contains(folder.Config, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"model_type": "gpt2"}""", "gpt2")]
    [InlineData("""{"model_type": "mamba", "hidden_size": 8, "num_hidden_layers": 1, "vocab_size": 16, "hidden_act": "relu"}""", "relu")]
    [InlineData("""{"model_type": "llama", "rope_scaling": {"rope_type": "llama3"}}""", "llama3")]
    [InlineData("""{"model_type": "llama", "hidden_act": "gelu"}""", "gelu")]
    [InlineData("""{"model_type": "genoseq"}""", "genoseq")]
    [InlineData("""{"model_type": "genoseq", "genoseq": {"d_modell": 3}}""", "d_modell")]
    [InlineData("""{"model_type": "genoseq", "genoseq": {"mamba": null}}""", "mamba")]
    [InlineData("[1]", "JSON object")]
    [InlineData("{", "not JSON")]
    public void ReadConfig_Foreign_IsRefused(string text, string expected)
    {
        using var folder = new CheckpointFolder();
        File.WriteAllText(folder.Config, text);
        CheckpointException e = Assert.Throws<CheckpointException>(() => ModelFile.ReadConfig(folder.Config));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_NoFolder_SaysSo()
    {
        using var folder = new CheckpointFolder();
        Assert.Contains("config.json", Assert.Throws<CheckpointException>(() => ModelFile.Load(folder.Path)).Message, StringComparison.Ordinal);
        string absent = Path.Combine(folder.Path, "absent");
        Assert.Contains("no such folder", Assert.Throws<CheckpointException>(() => ModelFile.Load(absent)).Message, StringComparison.Ordinal);
    }

    private static CheckpointFolder Saved(ModelConfig config, out SequenceModel model)
    {
        var folder = new CheckpointFolder();
        model = TestModels.Build(config);
        ModelFile.Save(model, folder.Path);
        return folder;
    }
}
