using System.Text.Json.Nodes;
using GenoSeq.Torch.Safetensors;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>A fresh folder for a checkpoint, with means to spoil it; it goes with the test.</summary>
internal sealed class CheckpointFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("genoseq-test-");

    internal string Path => _folder.FullName;

    internal string Config => System.IO.Path.Combine(Path, ModelFile.Configuration);

    internal string Weights => System.IO.Path.Combine(Path, ModelFile.Weights);

    internal JsonObject Json => JsonNode.Parse(File.ReadAllText(Config))!.AsObject();

    public void Dispose() => _folder.Delete(recursive: true);

    internal void Edit(Action<JsonObject> change)
    {
        JsonObject json = Json;
        change(json);
        File.WriteAllText(Config, json.ToJsonString());
    }

    /// <summary>Names and shapes of the stored tensors.</summary>
    internal Dictionary<string, long[]> Stored()
    {
        using SafetensorsCheckpoint file = SafetensorsCheckpoint.Open(Weights);
        return file.Entries.ToDictionary(e => e.Name, e => e.Shape);
    }

    /// <summary>Rewrites the weights after a change of the tensors by name.</summary>
    internal void EditWeights(Action<Dictionary<string, Tensor>> change)
    {
        using GenoSeq.Torch.DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors;
        using (SafetensorsCheckpoint file = SafetensorsCheckpoint.Open(Weights))
        {
            tensors = file.Entries.ToDictionary(e => e.Name, e => TensorFiles.Read(file, e.Name));
        }

        change(tensors);
        SafetensorsWriter.WriteFile(Weights, tensors.Select(t => TensorFiles.Source(t.Key, t.Value)));
    }
}
