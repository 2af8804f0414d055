using System.Text;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Cli.Tests.Docs;

public class RecipeTests
{
    private static readonly string[] s_said = ["reproduces", "metric", "time", "memory"];

    private static readonly string[] s_files =
        [.. Directory.EnumerateFiles(Path.Combine(Checkout.Root, "configs"), "*.yaml").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    public static TheoryData<string> Recipes() => [.. s_files];

    /// <summary>All but the demonstrations, whose headers say less.</summary>
    public static TheoryData<string> RecipesWithHeaders() => [.. s_files.Where(f => !f.StartsWith("demo", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Recipes))]
    public void Recipe_AsShipped_BindsAndItsShippedDataExist(string recipe)
    {
        RunConfig config = RunConfigs.Resolve(null, Path.Combine(Checkout.Root, "configs", recipe), []);
        Assert.Equal(Path.GetFileNameWithoutExtension(recipe), config.Name);
        Assert.All(config.Data.Files.Where(f => f.StartsWith("data/", StringComparison.Ordinal)), f => Assert.True(Checkout.Exists(f), f));
    }

    [Theory]
    [MemberData(nameof(RecipesWithHeaders))]
    public void Recipe_Header_SaysWhatItIs(string recipe)
    {
        string[] comments = [.. Checkout.Read($"configs/{recipe}").Split('\n').TakeWhile(l => l.StartsWith('#'))];
        Assert.All(s_said, word => Assert.Contains(comments, l => l.StartsWith($"# {word} ", StringComparison.Ordinal)));
    }

    /// <summary>The recipe's own model, objective and schedule, made narrow and short, take two steps on a random genome.</summary>
    [Theory]
    [MemberData(nameof(Recipes))]
    public void Recipe_MadeTiny_TakesTwoSteps(string recipe)
    {
        using var genome = new TinyGenome();
        string file = Path.Combine(Checkout.Root, "configs", recipe);
        RunConfig full = RunConfigs.Resolve(null, file, []);
        RunConfig config = RunConfigs.Resolve(null, file, [.. genome.Overrides(full),
            "model.d_model=16", "model.n_layer=2", "data.context_length=64", "train.global_batch_size=256", "train.micro_batch_size=2",
            "train.steps=2", "train.warmup_steps=1", "train.validation_tokens=256"]);
        DryRunReport report = DryRun.Run(config);
        Assert.Equal(256, report.TokensPerStep);
        Assert.True(report.ValidationBases > 0);

        // An untrained model has learnt nothing: more than 2 bits, and, its logits being small, about log2 of the vocabulary.
        Assert.InRange(report.BitsPerBase, 2, 6);
        Assert.Equal(full.Model.Family(), config.Model.Family());
        Assert.Equal(full.Objective, config.Objective);
    }

    /// <summary>A genome of random bases whose contigs are called as a recipe's held-out ones are, and a BED file for it.</summary>
    private sealed class TinyGenome : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("genoseq-recipe-").FullName;

        public string[] Overrides(RunConfig config)
        {
            string fasta = Path.Combine(_folder, "genome.fa");
            string bed = Path.Combine(_folder, "split.bed");
            string[] contigs = ["one", .. config.Data.HoldoutContigs ?? ["two"]];
            var random = new Random(7);
            StringBuilder text = new();
            foreach (string contig in contigs)
            {
                text.Append('>').Append(contig).Append('\n').Append(random.GetItems<char>("ACGT", 4000)).Append('\n');
            }

            File.WriteAllText(fasta, text.ToString());
            File.WriteAllText(bed, "one\t0\t4000\ttrain\ntwo\t0\t2000\tvalid\n");
            return config.Data.SplitBed is null ? [$"data.files=[{fasta}]"] : [$"data.files=[{fasta}]", $"data.split_bed={bed}"];
        }

        public void Dispose() => Directory.Delete(_folder, recursive: true);
    }
}
