using System.Diagnostics;
using System.Globalization;
using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

public sealed class MemoryTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Step_InAScope_LeavesNoTensorBehind(bool recompute)
    {
        ModelConfig[] configs =
        [
            TestModels.Caduceus(true, true, 3), TestModels.Causal("M A", 3) with { Mlp = new MlpConfig { DFf = 8 } },
            TestModels.Causal("A", 1) with { Attention = new AttentionConfig { NHead = 2, SlidingWindow = 3 } },
        ];
        foreach (ModelConfig config in configs)
        {
            using SequenceModel model = TestModels.Build(config);
            model.Recompute = recompute;
            Step(model);
            long before = DisposeScopeManager.Statistics.Live;
            Step(model);
            Step(model);
            Assert.Equal(before, DisposeScopeManager.Statistics.Live);
        }
    }

    [Fact]
    public void Save_LeavesNoTensorBehind()
    {
        using SequenceModel model = TestModels.Build(TestModels.Caduceus(true, true));
        using var folder = new CheckpointFolder();
        long before = DisposeScopeManager.Statistics.Live;
        ModelFile.Save(model, folder.Path);
        Assert.Equal(before, DisposeScopeManager.Statistics.Live);
        using (SequenceModel loaded = ModelFile.Load(folder.Path))
        {
            Assert.Equal(model.NumParameters, loaded.NumParameters);
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.Live);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void Step_LongContextRecomputed_StaysUnderFourGibibytes()
    {
        // 131,072 bases, both strands, 2 layers of width 128.
        Dictionary<string, double> result = Probe("128", "2", "131072", "1", "1", "recompute");
        Assert.InRange(result["loss"], 0.5, 4);
        Assert.InRange(result["peak_mib"], 100, 4096);
    }

    private static Dictionary<string, double> Probe(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "GenoSeq.Models.Probe.dll"));
        Array.ForEach(arguments, start.ArgumentList.Add);
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.Result);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' '))
            .ToDictionary(p => p[0], p => double.Parse(p[1], CultureInfo.InvariantCulture));
    }

    private static void Step(SequenceModel model)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor ids = TestModels.Ids(TestModels.Sequences(2, 40));
        Tensor packing = tensor([.. Enumerable.Range(0, 80).Select(i => i / 13)], 2, 40);
        SequenceLoss.Compute(model.forward(ids, packing), ids).Sum.backward();
        model.zero_grad();
    }
}
