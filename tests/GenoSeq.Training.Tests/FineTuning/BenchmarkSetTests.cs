using GenoSeq.Training.FineTuning;
using GenoSeq.Training.Tests.Engine;

namespace GenoSeq.Training.Tests.FineTuning;

/// <summary>Every real set trains from one line of settings.</summary>
[Collection(EngineCollection.Name)]
public sealed class BenchmarkSetTests
{
    public static TheoryData<string, string?> Sets()
    {
        var sets = new TheoryData<string, string?>();
        string root = Repository.Shared is null ? "" : Repository.SharedPath("data", "benchmarks");
        foreach (string folder in Directory.Exists(root) ? Directory.GetDirectories(root).Order(StringComparer.Ordinal) : Enumerable.Empty<string>())
        {
            foreach (string file in Directory.GetFiles(folder, "*train.csv*").Order(StringComparer.Ordinal))
            {
                string name = Path.GetFileName(file);
                int end = name.IndexOf("_train.", StringComparison.Ordinal);
                sets.Add(Path.GetFileName(folder), end < 0 ? null : name[..end]);
            }
        }

        if (Repository.Shared is null)
        {
            sets.Add("none", null);
        }

        return sets;
    }

    [SharedTheory]
    [MemberData(nameof(Sets))]
    public void Run_Set_TrainsAStepAndJudges(string folder, string? task)
    {
        using var set = new TinySet();
        FineTuneConfig config = FineTuneConfigs.Resolve(null, null,
        [
            $"data.path={Repository.SharedPath("data", "benchmarks", folder)}", $"data.task={task ?? "null"}", "model.d_model=4", "model.n_layer=1",
            "finetune.mode=scratch", "finetune.max_steps=1", "model.mamba.d_state=4", "finetune.max_length=24", "finetune.too_long=truncate", "finetune.rc_average=false",
            "finetune.batch_size=512",
        ]);
        FineTuneResult result = set.Run(config, "run");
        Assert.True(result.Seeds[0].Test!.Examples > 0);
        Assert.NotNull(result.Seeds[0].Test!.Value("accuracy"));
    }
}
