using System.Globalization;
using System.Text;
using GenoSeq.Data;
using GenoSeq.Models;
using GenoSeq.Training.FineTuning;

namespace GenoSeq.Training.Tests.FineTuning;

/// <summary>A folder with labelled sequences that a model of a few hundred weights can learn.</summary>
internal sealed class TinySet : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("genoseq-test-").FullName;

    internal TinySet(string? csv = null) => File.WriteAllText(this["set.csv"], csv ?? Csv(64, 20, 20));

    internal string this[string name] => Path.Combine(_folder, name);

    internal FineTuneConfig Config => new()
    {
        Model = new ModelConfig { DModel = 8, NLayer = 2, Bidirectional = true, Mamba = new MambaConfig { DState = 4 } },
        Data = new LabelledDataConfig { Path = this["set.csv"] },
        Finetune = new FineTuningConfig { Mode = TuningMode.Scratch, Epochs = 3, BatchSize = 16, LearningRate = 0.02, MinLearningRate = 0.002, LogEvery = 1 },
    };

    internal FineTuneConfig With(Func<FineTuningConfig, FineTuningConfig> change, ModelConfig? model = null)
    {
        FineTuneConfig config = Config;
        return config with { Model = model ?? config.Model, Finetune = change(config.Finetune) };
    }

    internal FineTuneResult Run(FineTuneConfig config, string name) =>
        FineTuneRun.Run(new FineTuneRequest { Config = config, Out = this[name], Bootstrap = null }, _ => { });

    /// <summary>Rows with poly-A (class 1) or poly-C stretches (class 0), 20 to 40 bases long.</summary>
    internal static string Csv(int train, int dev, int test, Func<int, string>? label = null, string header = "sequence,label,split")
    {
        var random = new Random(3);
        var text = new StringBuilder(header + "\n");
        for (int i = 0; i < train + dev + test; i++)
        {
            int c = i % 2;
            string row = string.Concat(Enumerable.Range(0, 20 + random.Next(20)).Select(_ => random.Next(3) > 0 ? (c == 1 ? 'A' : 'C') : "ACGT"[random.Next(4)]));
            string part = i < train ? "train" : i < train + dev ? "dev" : "test";
            text.Append(CultureInfo.InvariantCulture, $"{row},{(label is null ? c : label(i))},{part}\n");
        }

        return text.ToString();
    }

    internal LabelledSet Open() => LabelledSets.Open(this["set.csv"]);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
