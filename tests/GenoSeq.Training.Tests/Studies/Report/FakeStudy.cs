using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Studies;
using GenoSeq.Training.Studies.Report;

namespace GenoSeq.Training.Tests.Studies.Report;

/// <summary>Made-up results that look like a study's: no figure here was measured.</summary>
internal static class FakeStudy
{
    internal static readonly string[] Models = ["transformer", "mamba2", "hybrid 5:1", "hyena"];
    internal static readonly int[] Pairs = [4, 16, 64, 256, 1024];
    internal static readonly long[] Seeds = [1, 2, 3];

    private static readonly int[] s_lengths = [1024, 4096, 16384];
    private static readonly string[] s_tasks = ["recall of pairs", "copying a motif", "counting k-mers", "finding repeats"];

    internal static Dictionary<string, string> At(params (string Name, object Value)[] values) =>
        values.ToDictionary(v => v.Name, v => Convert.ToString(v.Value, CultureInfo.InvariantCulture)!);

    internal static StudyRecord Record(string model, long seed, IReadOnlyDictionary<string, string> conditions, params StudyMeasurement[] measurements) => new()
    {
        Study = "fake",
        Model = model,
        Seed = seed,
        Conditions = conditions,
        SettingsSha256 = "00",
        Settings = new JsonObject(),
        Measurements = measurements,
        Cost = new StudyCost(130, 120, 3L << 30, "made-up device", "0.0.0", string.Create(CultureInfo.InvariantCulture, $"2026-01-0{1 + (seed % 9)}T00:00:00Z")),
    };

    internal static StudyMeasurement Value(string metric, double value, params (string Name, object Value)[] at) => new(metric, value) { At = At(at) };

    /// <summary>Results of a study with one metric, m, and no axes or plots.</summary>
    internal static StudyResults Small(params StudyRecord[] records) => new(
        new Study(new StudyConfig { Name = "small", Metrics = [new() { Name = "m", Title = "measure", Unit = "u" }] }, [.. records.Select(r => r.Model).Distinct().Select(m => new StudyModel(m, []))], [], ConfigTree.Empty),
        records, [], []);

    /// <summary>The whole of a study: four models and a reference, three seeds, five conditions, three places, curves, trials, gaps.</summary>
    internal static StudyResults Whole()
    {
        var records = new List<StudyRecord>();
        foreach ((string model, int m) in Models.Select((m, i) => (m, i)))
        {
            foreach (int pairs in Pairs)
            {
                records.AddRange(Seeds.Where(s => !(model == "hyena" && pairs == 1024 && s == 3)).Select(s => Cell(model, m, pairs, s)));
            }

            records.AddRange(new[] { 3e-4, 1e-3, 3e-3 }.Select(rate => Record(model, 1, At(("pairs", 16))) with
            {
                // Trials have validation's curve, and no measurements.
                Curve = [new StudyCurvePoint(100, 1e9, 1, 60 + (m * 5) - (800 * Math.Abs(rate - 1e-3)))],
                Trial = true,
                LearningRate = rate,
                Diverged = model == "hyena" && rate == 3e-3 ? "the loss was not a number at step 41" : null,
            }));
        }

        records.AddRange(Pairs.Select(p => Record("markov-12", 1, At(("pairs", p)), [.. s_lengths.Select(l => Value("accuracy", 27.5, ("length", l))), Value("bits_per_base", 1.931)]) with { IsReference = true }));
        return new StudyResults(Study(), records,
            [new StudyFailure("hyena", 3, At(("pairs", 1024)), "out of memory: 80.1 GiB were wanted; try train.recompute=layer")],
            ["hyena/pairs 1024/seed 4", "mamba2/pairs 1024/seed 4"]);
    }

    private static Study Study() => new(
        new StudyConfig
        {
            Name = "recall-fake",
            Title = "Recall of motifs: how many can a fixed state hold?",
            Question = "Does a state of fixed size lose key-value pairs that attention still finds, and how much attention does a hybrid need? (Made-up numbers.)",
            Setting = "After multi-query associative recall on synthetic sequences; here keys and values are k-mers of real genomes, models have 3 M parameters and are trained on 100 M tokens.",
            Metrics =
            [
                new() { Name = "accuracy", Title = "recall accuracy", Unit = "%", Higher = true },
                new() { Name = "task_accuracy", Title = "accuracy by task", Unit = "%", Higher = true },
                new() { Name = "bits_per_base", Title = "bits per base", Higher = false },
                new() { Name = "tokens_per_s", Title = "generation", Unit = "tokens/s", Higher = true },
            ],
            SweepOver = [],
            LearningRates = [3e-4, 1e-3, 3e-3],
            Plots =
            [
                new() { Title = "Accuracy by number of pairs", Metric = "accuracy", X = "pairs", LogX = true, At = At(("length", 4096)) },
                new() { Title = "Accuracy beyond the trained length", Metric = "accuracy", X = "length", LogX = true, At = At(("pairs", 64)) },
                new() { Title = "Learning curves at 256 pairs", Metric = "accuracy", X = "tokens", At = At(("pairs", 256)) },
                new() { Title = "Speed of generation", Metric = "tokens_per_s", X = "model" },
                new() { Title = "Accuracy by task", Metric = "task_accuracy", X = "task" },
                new() { Title = "Bits per base by training FLOPs", Metric = "bits_per_base", X = "training_flops", LogX = true },
            ],
            Claims =
            [
                new() { Name = "fixed-state", Text = "A fixed state loses pairs that attention still finds.", Source = "Someone and Others 2023, Table 2", Published = "attention ahead by 20 to 40 points beyond the state's size", Metric = "accuracy", Of = new() { Model = "transformer", At = At(("pairs", 1024)) }, Against = new() { Model = "mamba2", At = At(("pairs", 1024)) } },
                new() { Name = "hybrid-suffices", Text = "One attention layer in six restores recall.", Source = "Another 2024", Published = "within 2 points of attention", Metric = "accuracy", Of = new() { Model = "hybrid 5:1", At = At(("length", 1024)) }, Against = new() { Model = "transformer", At = At(("length", 1024)) }, Expect = ClaimExpectation.Within, Threshold = 4 },
                new() { Name = "speed", Text = "Generation of state-space models is five times as fast as a Transformer's.", Source = "Gu and Dao 2023", Published = "5 times at batch 128", Metric = "tokens_per_s", Of = new() { Model = "mamba2" }, Against = new() { Model = "transformer" }, Effect = ClaimEffect.Ratio, Threshold = 5 },
                new() { Name = "models-beat-counts", Text = "Hyena is better than a count model at every number of pairs.", Metric = "bits_per_base", Of = new() { Model = "hyena" }, Against = new() { Model = "markov-12" }, Expect = ClaimExpectation.Below, Threshold = -0.043 },
                new() { Name = "few-pairs", Text = "With few pairs all models are alike.", Metric = "accuracy", Of = new() { Model = "hyena", At = At(("pairs", 4), ("length", 1024)) }, Against = new() { Model = "transformer", At = At(("pairs", 4), ("length", 1024)) }, Expect = ClaimExpectation.Above, Threshold = 0 },
                new() { Name = "later", Text = "Something that was not run.", Metric = "accuracy", Of = new() { Model = "mamba2", At = At(("pairs", 4096)) }, Effect = ClaimEffect.Value, Threshold = 50 },
            ],
        },
        [.. Models.Select(m => new StudyModel(m, [])), new StudyModel("markov-12", []) { Reference = "markov-12" }],
        [new StudyAxis("pairs", [.. Pairs.Select(p => new StudyAxisValue(p.ToString(CultureInfo.InvariantCulture), []))])],
        ConfigTree.Empty);

    private static StudyRecord Cell(string model, int m, int pairs, long seed)
    {
        double hard = Math.Log2(pairs) / 10;
        double top = 99 - (m switch { 0 => 6, 1 => 52, 2 => 9, _ => 66 } * hard * hard);
        double Noise(int k)
        {
            double scattered = 43758.5453 * Math.Sin((m * 12.9898) + (pairs * 0.0233) + (seed * 78.233) + (k * 37.719));
            return 2.8 * (scattered - Math.Floor(scattered) - 0.5);
        }

        bool diverged = model == "mamba2" && pairs == 1024 && seed == 2;
        long tokens = 100_000_000;
        double flops = 6.0 * (3_000_000 + (m * 120_000)) * tokens * (1 + (0.4 * hard));
        return Record(model, seed, At(("pairs", pairs)),
        [
            .. s_lengths.Select((l, k) => Value("accuracy", diverged ? double.NaN : Math.Clamp(top - (k * (m == 0 ? 9 : 2)) + Noise(k), 0, 100), ("length", l))),
            .. s_tasks.Select((t, k) => Value("task_accuracy", Math.Clamp(top - (7 * k) + Noise(30 + k), 0, 100), ("task", t))),
            Value("bits_per_base", 1.90 - (0.004 * m) + (0.002 * Noise(9))),
            Value("tokens_per_s", (m switch { 0 => 4100, 1 => 16500, 2 => 15200, _ => 9800 }) + (60 * Noise(10))),
        ]) with
        {
            LearningRate = 1e-3,
            Parameters = 3_000_000 + (m * 120_000),
            FlopsPerToken = flops / tokens,
            StateBytes = m == 0 ? 4_194_304L * pairs / 16 : 262_144,
            Steps = 1000,
            Tokens = tokens,
            Flops = flops,
            Diverged = diverged ? "the loss was not a number at step 733" : null,
            Curve = [.. Enumerable.Range(1, 40).Select(i => new StudyCurvePoint(tokens / 40 * i, flops / 40 * i, (i * 3) + (0.2 * seed),
                25 + ((top - 25) * (1 - Math.Exp(-i / (6.0 + m)))) + Noise(20 + i)))],
        };
    }
}
