using System.Text.Json.Nodes;
using GenoSeq.Training.Checkpoints;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.Engine;

/// <summary>Decides which folder a run writes to, and from which checkpoint it continues, if any.</summary>
internal static class ResumeDecision
{
    // What may differ between the sittings of one run: it does not change what is computed.
    private static readonly string[] s_free = ["device", "train.log_every", "checkpoint", "report", "data.files", "data.split_bed",
        "data.sources.files", "data.sources.split_bed", "train.zero_stage", "train.context_parallel",
        "train.bucket_mib"];

    internal static (RunFolder Folder, string? Checkpoint) Decide(PretrainRequest request, string yaml)
    {
        RunConfig config = request.Config;
        switch (request.Resume)
        {
            case "never":
                return (NewFolder(request), null);
            case "auto" when request.Out is null:
                string? unfinished = Unfinished(request, yaml);
                return unfinished is null ? (NewFolder(request), null) : Continue(unfinished, null, config);
            case "auto":
                return RunFolder.IsRun(request.Out) && LastOf(request.Out) is not null
                    ? Continue(request.Out, null, config)
                    : (Restart(request.Out), null);
            default:
                (string run, string? checkpoint) = Locate(request.Resume);
                return Continue(run, checkpoint, config);
        }
    }

    private static RunFolder NewFolder(PretrainRequest request) => request.Out is null
        ? RunFolder.CreateBelow(request.RunsRoot, DateTime.Now, request.Config.Name, (ulong)request.Config.Seed)
        : RunFolder.Create(request.Out);

    // A run that was ended before its first checkpoint begins again in its folder.
    private static RunFolder Restart(string path)
    {
        if (!RunFolder.IsRun(path))
        {
            return RunFolder.Create(path);
        }

        RunFolder folder = RunFolder.Open(path);
        File.Delete(folder.MetricsPath);
        return folder;
    }

    private static (RunFolder, string?) Continue(string run, string? checkpoint, RunConfig config)
    {
        RunFolder folder = RunFolder.Open(run);
        try
        {
            string from = checkpoint ?? LastOf(run) ?? throw new RunFolderException("this run has no checkpoint yet", run,
                "a run with at least one checkpoint", "--resume never with another --out");
            RefuseChanges(config, Path.Combine(run, "config.yaml"));
            return (folder, from);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    private static (string Run, string? Checkpoint) Locate(string path)
    {
        if (!Directory.Exists(path))
        {
            throw new RunFolderException("there is nothing to resume", path, "the folder of a run or of a checkpoint", "--resume auto, or another path");
        }

        if (RunFolder.IsRun(path) && Directory.Exists(Path.Combine(path, "checkpoints")))
        {
            return (path, null);
        }

        string? run = Path.GetDirectoryName(Path.GetDirectoryName(Path.GetFullPath(path).TrimEnd(Path.DirectorySeparatorChar)));
        return run is not null && RunFolder.IsRun(run) && File.Exists(Path.Combine(path, "trainer_state.json"))
            ? (run, path)
            : throw new RunFolderException("this is neither a run nor a checkpoint inside one", path,
                "RUN or RUN/checkpoints/step-NNNNNN", "the run's folder");
    }

    private static string? LastOf(string run) =>
        new CheckpointStore(Path.Combine(run, "checkpoints"), "", 1).Last();

    // The newest run of the same name and configuration that was ended before it was done.
    private static string? Unfinished(PretrainRequest request, string yaml)
    {
        if (!Directory.Exists(request.RunsRoot))
        {
            return null;
        }

        string mark = $"_{RunFolder.NameOf(DateTime.UnixEpoch, request.Config.Name, (ulong)request.Config.Seed)[16..]}";
        return Directory.EnumerateDirectories(request.RunsRoot, $"*{mark}*").OrderDescending(StringComparer.Ordinal)
            .FirstOrDefault(run => File.Exists(Path.Combine(run, "config.yaml"))
                && File.ReadAllText(Path.Combine(run, "config.yaml")) == yaml && !IsFinished(run) && LastOf(run) is not null);
    }

    private static bool IsFinished(string run)
    {
        string file = Path.Combine(run, "summary.json");
        return File.Exists(file) && JsonNode.Parse(File.ReadAllText(file))?["exit_reason"]?.GetValue<string>() is not "interrupted";
    }

    private static void RefuseChanges(RunConfig config, string file)
    {
        JsonObject now = ConfigWriter.ToNode(config, RunConfigJson.Default.RunConfig);
        JsonObject then = ConfigWriter.ToNode(ConfigBinder.Bind(ConfigTree.Load(file), RunConfigJson.Default.RunConfig), RunConfigJson.Default.RunConfig);
        var problems = new List<ConfigProblem>();
        Compare(then, now, "", problems);
        if (problems.Count > 0)
        {
            throw new ConfigException(problems);
        }

        void Compare(JsonObject before, JsonObject after, string prefix, List<ConfigProblem> found)
        {
            foreach ((string key, JsonNode? value) in after)
            {
                string path = prefix.Length == 0 ? key : $"{prefix}.{key}";
                JsonNode? old = before[key];
                if (s_free.Contains(path) || JsonNode.DeepEquals(old, value))
                {
                    continue;
                }

                if (old is JsonObject o && value is JsonObject n)
                {
                    Compare(o, n, path, found);
                }
                else if (old is JsonArray olds && value is JsonArray news && olds.Count == news.Count
                    && olds.Concat(news).All(i => i is JsonObject))
                {
                    // Elements of a list of groups have the paths of their keys, without a number: a free key is free in all.
                    for (int i = 0; i < news.Count; i++)
                    {
                        Compare((JsonObject)olds[i]!, (JsonObject)news[i]!, path, found);
                    }
                }
                else
                {
                    found.Add(new ConfigProblem(path, $"is {Text(value)} now and was {Text(old)} when the run began", null,
                        "the same configuration", $"{path}={Text(old)}, or a new run (--resume never with another --out)"));
                }
            }
        }
    }

    private static string Text(JsonNode? node) => node?.ToJsonString() ?? "null";
}
