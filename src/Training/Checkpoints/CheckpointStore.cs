using System.Globalization;
using System.Text.Json;
using GenoSeq.Models;
using GenoSeq.Models.Families;
using GenoSeq.Torch;
using GenoSeq.Torch.IO;
using GenoSeq.Torch.Safetensors;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Checkpoints;

/// <summary>
/// The checkpoints of a run: folders <c>step-000500</c> with model, optimizer, random states, trainer state and configuration,
/// and the files <c>last</c> and <c>best</c> that name one each. A folder appears whole or not at all.
/// </summary>
public sealed class CheckpointStore
{
    private const string LastName = "last";
    private const string BestName = "best";
    internal const string OptimizerFile = "optimizer.safetensors";
    private const string StateFile = "trainer_state.json";

    private readonly string _folder;
    private readonly string _configYaml;
    private readonly int _keep;

    /// <summary>Opens the store, finishing what a crash may have left.</summary>
    /// <param name="folder">The run's folder of checkpoints.</param>
    /// <param name="configYaml">The run's configuration, stored with each.</param>
    /// <param name="keep">How many to keep besides the best.</param>
    public CheckpointStore(string folder, string configYaml, int keep)
    {
        _folder = folder;
        _configYaml = configYaml;
        _keep = keep;
        Directory.CreateDirectory(folder);
        Recover();
    }

    /// <summary>Path of the last whole checkpoint, or null.</summary>
    public string? Last() => Named(LastName);

    /// <summary>Path of the best checkpoint by validation, or null.</summary>
    public string? Best() => Named(BestName);

    /// <summary>Writes a checkpoint, points to it, and removes what need not be kept.</summary>
    /// <returns>Its path.</returns>
    public string Save(TrainerState state, SequenceModel model, optim.AdamW optimizer, bool isBest)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        using Tensor rng = get_rng_state();
        return Save(state, model, optimizer.State, [rng.ToArray<byte>()], isBest);
    }

    /// <summary>Writes a checkpoint of all ranks, points to it, and removes what need not be kept.</summary>
    /// <param name="state">Where the run is.</param>
    /// <param name="model">The model.</param>
    /// <param name="moments">The optimizer's moments of whole parameters.</param>
    /// <param name="random">Random states, in the order of ranks.</param>
    /// <param name="isBest">No earlier validation was better.</param>
    /// <returns>Its path.</returns>
    public string Save(TrainerState state, SequenceModel model, IEnumerable<(string Name, Tensor ExpAvg, Tensor ExpAvgSq)> moments,
        IReadOnlyList<byte[]> random, bool isBest)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(moments);
        ArgumentNullException.ThrowIfNull(random);
        string name = string.Create(CultureInfo.InvariantCulture, $"step-{state.Step:D6}");
        string path = Path.Combine(_folder, name);
        AtomicDirectory.Write(path, folder =>
        {
            ModelFile.Save(model, folder);
            SaveOptimizer(Path.Combine(folder, OptimizerFile), moments, random);
            AtomicFile.WriteAllText(Path.Combine(folder, StateFile),
                JsonSerializer.Serialize(state, TrainerStateJson.Default.TrainerState) + "\n");
            AtomicFile.WriteAllText(Path.Combine(folder, "config.yaml"), _configYaml);
        });
        // The pointer to the last one is what a run continues from, so it comes last: a crash before it repeats the steps and the
        // validation that made this the best, a crash behind it could no longer make up for a missing pointer to the best.
        if (isBest)
        {
            AtomicFile.WriteAllText(Path.Combine(_folder, BestName), name + "\n");
        }

        AtomicFile.WriteAllText(Path.Combine(_folder, LastName), name + "\n");

        Prune();
        return path;
    }

    /// <summary>Fills a model with the best checkpoint's weights, if there is one.</summary>
    public void LoadBest(SequenceModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (Best() is { } best)
        {
            LoadWeights(best, model);
        }
    }

    /// <summary>Fills a model and an optimizer, restores random states, and returns where the run was.</summary>
    /// <param name="path">The checkpoint's folder.</param>
    /// <param name="model">Gets the weights.</param>
    /// <param name="optimizer">Gets the moments.</param>
    /// <param name="rank">Whose random state; a rank that had none gets one drawn from rank 0's.</param>
    /// <param name="cut">By a parameter's name and its whole moment what this optimizer has of it; null: the whole.</param>
    /// <exception cref="CheckpointException">The folder is no checkpoint of this model.</exception>
    public static TrainerState Restore(string path, SequenceModel model, optim.AdamW optimizer, int rank = 0,
        Func<string, Tensor, Tensor>? cut = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(optimizer);
        TrainerState state = ReadState(path);
        LoadWeights(path, model);

        RestoreOptimizer(Path.Combine(path, OptimizerFile), optimizer, rank, cut ?? ((_, whole) => whole));
        optimizer.StepCount = state.Step;
        return state;
    }

    /// <summary>Reads where a run was at a checkpoint.</summary>
    /// <exception cref="CheckpointException">The folder is no checkpoint of a run.</exception>
    public static TrainerState ReadState(string path)
    {
        string stateFile = Path.Combine(path, StateFile);
        if (!File.Exists(stateFile))
        {
            throw new CheckpointException($"there is no {StateFile}", path, "a checkpoint of a training run",
                "name a folder such as RUN/checkpoints/step-000500, or the run's folder");
        }

        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(stateFile), TrainerStateJson.Default.TrainerState)
                ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new CheckpointException($"{StateFile} is not what a run writes: {e.Message}", path, "a whole checkpoint", "an earlier checkpoint");
        }
    }

    private static void LoadWeights(string path, SequenceModel model)
    {
        using SafetensorsCheckpoint weights = SafetensorsCheckpoint.Open(Path.Combine(path, ModelFile.Weights));
        ModelFile.LoadWeights(model, ModelLayout.For(model.Config), weights);
    }

    private static void SaveOptimizer(string file, IEnumerable<(string Name, Tensor ExpAvg, Tensor ExpAvgSq)> moments,
        IReadOnlyList<byte[]> random)
    {
        using DisposeScope scope = NewDisposeScope();
        var sources = new List<SafetensorsSource>();
        foreach ((string name, Tensor m, Tensor v) in moments)
        {
            sources.Add(TensorFiles.Source($"exp_avg.{name}", m));
            sources.Add(TensorFiles.Source($"exp_avg_sq.{name}", v));
        }

        for (int rank = 0; rank < random.Count; rank++)
        {
            sources.Add(TensorFiles.Source(RandomOf(rank), tensor<byte>(random[rank], [random[rank].Length])));
        }

        SafetensorsWriter.WriteFile(file, sources);
    }

    private static void RestoreOptimizer(string file, optim.AdamW optimizer, int rank, Func<string, Tensor, Tensor> cut)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        using SafetensorsCheckpoint stored = SafetensorsCheckpoint.Open(file);
        foreach ((string name, Tensor m, Tensor v) in optimizer.State)
        {
            m.copy_(cut(name, TensorFiles.Read(stored, $"exp_avg.{name}")));
            v.copy_(cut(name, TensorFiles.Read(stored, $"exp_avg_sq.{name}")));
        }

        bool known = stored.TryGet(RandomOf(rank), out _);
        set_rng_state(TensorFiles.Read(stored, RandomOf(known ? rank : 0)));
        if (!known)
        {
            // Not rank 0's own: what ranks draw must not be the same.
            manual_seed((long)(rand([1]).to(float64).item() * (1L << 24)) + rank);
        }
    }

    private static string RandomOf(int rank) => rank == 0 ? "rng.cpu" : string.Create(CultureInfo.InvariantCulture, $"rng.cpu.{rank}");

    private string? Named(string pointer)
    {
        string file = Path.Combine(_folder, pointer);
        if (!File.Exists(file))
        {
            return null;
        }

        string path = Path.Combine(_folder, File.ReadAllText(file).Trim());
        AtomicDirectory.Recover(path);
        return Directory.Exists(path) ? path : null;
    }

    // A checkpoint that a dead process was writing lies under a temporary name, at a step that may never be saved again.
    private void Recover()
    {
        foreach (string step in Directory.EnumerateDirectories(_folder, ".step-*").Select(p => Path.GetFileName(p).Split('.')[1]).Distinct().ToArray())
        {
            AtomicDirectory.Recover(Path.Combine(_folder, step));
        }
    }

    private void Prune()
    {
        // Continuing from an earlier checkpoint, the last one is not the one with the largest number.
        string?[] kept = [Best(), Last()];
        IEnumerable<string> old = Directory.EnumerateDirectories(_folder, "step-*")
            .Select(p => (Path: p, Whole: long.TryParse(Path.GetFileName(p).AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out long step), Step: step))
            .Where(p => p.Whole).OrderByDescending(p => p.Step).Skip(_keep).Select(p => p.Path);
        foreach (string path in old.Where(p => !kept.Contains(p)).ToArray())
        {
            Directory.Delete(path, recursive: true);
        }
    }
}
