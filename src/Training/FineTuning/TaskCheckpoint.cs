using GenoSeq.Models;
using GenoSeq.Models.Heads;
using GenoSeq.Torch;
using GenoSeq.Torch.IO;
using GenoSeq.Torch.Safetensors;
using GenoSeq.Training.Checkpoints;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.FineTuning;

/// <summary>
/// Fine-tuned models on disk: the model as everywhere (<c>config.json</c>, <c>model.safetensors</c>), beside it the head's
/// tensors (<c>head.safetensors</c>) and what they predict (<c>task.json</c>). A linear head of Caduceus is in the model's files
/// too, in the form that its community expects (<see cref="ClassificationHead"/>).
/// </summary>
internal static class TaskCheckpoint
{
    private const string HeadFile = "head.safetensors";
    private const string TaskFile = "task.json";

    internal static void Save(TaskModel model, string folder)
    {
        ModelFile.Save(model.Model, folder, head: ClassificationHead.Of(model));
        SafetensorsWriter.WriteFile(Path.Combine(folder, HeadFile), model.Head.named_parameters().Select(p => TensorFiles.Source(p.name, p.parameter)),
            new Dictionary<string, string> { ["format"] = "pt" });
        // Last: with it the checkpoint is whole.
        AtomicFile.WriteAllText(Path.Combine(folder, TaskFile), model.Task.ToJson());
    }

    /// <summary>Loads a model with its head onto a device.</summary>
    /// <exception cref="CheckpointException">There is none, or not all of it.</exception>
    internal static TaskModel Load(string folder, Device device)
    {
        TaskDescription task = TaskDescription.Read(Path.Combine(folder, TaskFile));
        SequenceModel model = ModelFile.Load(folder);
        var head = new TaskHead(task.Head, model.Config.DModel);
        try
        {
            LoadHead(head, Path.Combine(folder, HeadFile));
            model.to(device);
            head.to(device);
            model.eval();
            return new TaskModel(model, head, task);
        }
        catch
        {
            model.Dispose();
            head.Dispose();
            throw;
        }
    }

    /// <summary>The folder of a checkpoint: the one named, or the best (else the last) of the run that is named.</summary>
    internal static string Locate(string path)
    {
        string inside = Path.Combine(path, "checkpoints");
        if (File.Exists(Path.Combine(path, ModelFile.Configuration)) || !Directory.Exists(inside))
        {
            return path;
        }

        var store = new CheckpointStore(inside, "", 1);
        return store.Best() ?? store.Last() ?? BestSeed.Of(path)?.Folder ?? throw new CheckpointException("this run has no checkpoint", path,
            "a run with a checkpoint, or the folder of one", "name the folder of a checkpoint");
    }

    private static void LoadHead(TaskHead head, string path)
    {
        using SafetensorsCheckpoint file = SafetensorsCheckpoint.Open(path);
        using IDisposable mode = no_grad();
        var stored = file.Entries.Select(e => e.Name).ToHashSet(StringComparer.Ordinal);
        foreach ((string name, nn.Parameter parameter) in head.named_parameters())
        {
            if (!stored.Remove(name) || !file[name].Shape.AsSpan().SequenceEqual(parameter.shape))
            {
                throw Foreign($"tensor {name} is missing or of another shape");
            }

            using Tensor value = TensorFiles.Read(file, name);
            parameter.copy_(value);
        }

        if (stored.Count > 0)
        {
            throw Foreign($"tensor {stored.Order(StringComparer.Ordinal).First()} is not the head's");
        }

        CheckpointException Foreign(string what) =>
            new(what, path, $"the tensors of the head that {TaskFile} describes", "copy the checkpoint again");
    }
}
