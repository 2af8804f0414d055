using System.Text.RegularExpressions;
using GenoSeq.Data;
using GenoSeq.Inference.Generation;
using GenoSeq.Inference.Scoring;
using GenoSeq.Inference.Tests.Scoring;
using GenoSeq.Inference.Variants;
using GenoSeq.Models;

namespace GenoSeq.Inference.Tests;

/// <summary>The library as README shows it.</summary>
public sealed class ReadmeExampleTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("genoseq-readme-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public void Example_IsReadmes_AndRuns()
    {
        string checkpoint = Path.Combine(_folder, "runs", "mamba");
        using (SequenceModel trained = ScoringModels.Causal())
        {
            ModelFile.Save(trained, checkpoint);
        }

        string fasta = Path.Combine(_folder, "genome.fa");
        File.WriteAllText(fasta, ">chr1\nACGTTGCATAAGCATTACGGAT\n");
        string readme = Regex.Match(File.ReadAllText(Path.Combine(Repository.Root, "README.md")), "```csharp\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        string own = File.ReadAllText(Path.Combine(Repository.Root, "tests", "GenoSeq.Inference.Tests", "ReadmeExampleTests.cs"));
        string example = Regex.Match(own, "// the example\n(.*?)// its end", RegexOptions.Singleline).Groups[1].Value;
        Assert.Equal(Lines(readme), Lines(example.Replace("checkpoint)", "\"runs/mamba\")", StringComparison.Ordinal).Replace("[fasta]", "[\"genome.fa\"]", StringComparison.Ordinal)));

        // the example
        using GenoSeqModel model = GenoSeqModel.Load(checkpoint);
        float[] embedding = model.Embed("ACGTTGCATTAGCA");
        SequenceScore score = model.Score("ACGTTGCATTAGCA");
        IReadOnlyList<GeneratedSequence> drawn = model.Generate(new GenerationOptions { Count = 2, MaxBases = 100 });
        using GenomeSource genome = GenomeFiles.Open([fasta]);
        var variant = new VariantAllele("chr1", 9, "A"u8.ToArray(), "G"u8.ToArray());
        VariantScore effect = model.ScoreVariants(genome, [variant])[0];
        Console.WriteLine($"{embedding.Length} numbers, {score.BitsPerBase:F2} bits per base, {drawn.Count} sequences, effect {effect.Score:F3}");
        // its end

        Assert.Equal(model.Model.Config.DModel, embedding.Length);
        Assert.Equal(13, score.Scored);
        Assert.All(drawn, s => Assert.Equal(100, s.Bases.Length));
        Assert.Equal(VariantStatus.Scored, effect.Status);
    }

    [Fact]
    public void Load_Run_TakesItsBestCheckpoint()
    {
        string run = Path.Combine(_folder, "run");
        using (SequenceModel trained = ScoringModels.Causal())
        {
            ModelFile.Save(trained, Path.Combine(run, "checkpoints", "step-1"));
            ModelFile.Save(trained, Path.Combine(run, "checkpoints", "step-2"));
        }

        Assert.Throws<CheckpointException>(() => GenoSeqModel.Load(run));
        File.WriteAllText(Path.Combine(run, "checkpoints", "last"), "step-2\n");
        File.WriteAllText(Path.Combine(run, "checkpoints", "best"), "step-1\n");
        using GenoSeqModel best = GenoSeqModel.Load(run);
        Assert.EndsWith("step-1", best.Folder, StringComparison.Ordinal);
        using GenoSeqModel other = GenoSeqModel.Load(Path.Combine(run, "checkpoints", "step-2"));
        Assert.Equal(best.Digest, other.Digest);
        Assert.Equal(64, best.Digest.Length);
    }

    private static string[] Lines(string text) => [.. text.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0)];
}
