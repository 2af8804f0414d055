using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Torch.Safetensors;

namespace GenoSeq.Cli.Tests.Commands;

/// <summary>Checkpoints in other layouts, and models against recordings.</summary>
public sealed class ConvertVerifyTests : IDisposable
{
    private readonly Workspace _work = new();

    public void Dispose() => _work.Dispose();

    private static ModelConfig Config(string family) => family switch
    {
        "caduceus" => new ModelConfig { DModel = 8, NLayer = 2, Bidirectional = true, RcEquivariant = true },
        "mamba" => new ModelConfig { DModel = 8, NLayer = 2 },
        _ => new ModelConfig { DModel = 8, NLayer = 2, Layout = "A", Attention = new AttentionConfig { NHead = 2 }, Mlp = new MlpConfig { DFf = 16 } },
    };

    private static string Golden(string name) => Path.Combine(Genoseq.Root, "..", "shared", "golden", name);

    [Theory]
    [InlineData("caduceus")]
    [InlineData("mamba")]
    [InlineData("llama")]
    public async Task Convert_ToNativeAndBack_GivesTheSameBytes(string family)
    {
        using (SequenceModel model = ModelFile.Create(Config(family)))
        {
            ModelFile.Save(model, _work["hf"]);
        }

        Answer there = await Genoseq.InProcessAsync("convert", _work["hf"], "-o", _work["native"], "--to", "genoseq");
        Assert.True(there.ExitCode == 0, there.Error);
        Answer back = await Genoseq.InProcessAsync("convert", _work["native"], "-o", _work["again"], "--to", "hf");
        Assert.True(back.ExitCode == 0, back.Error);
        Assert.Contains(family, back.Error, StringComparison.Ordinal);
        byte[] original = File.ReadAllBytes(_work["hf/model.safetensors"]);
        Assert.Equal(original, File.ReadAllBytes(_work["again/model.safetensors"]));
        Assert.Equal(File.ReadAllText(_work["hf/config.json"]), File.ReadAllText(_work["again/config.json"]));
        Assert.NotEqual(original, File.ReadAllBytes(_work["native/model.safetensors"]));
    }

    [Fact]
    public async Task Verify_Recorded_PassesAndAChangedWeightFails()
    {
        Record("mamba", out string[] arguments);
        Answer same = await Genoseq.InProcessAsync(arguments);
        Assert.True(same.ExitCode == 0, same.Error + same.Out);
        Assert.Contains("logits", same.Out, StringComparison.Ordinal);
        Assert.Contains("grad.", same.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("OVER", same.Out, StringComparison.Ordinal);

        ChangeOneNumber(_work["model/model.safetensors"]);
        Answer changed = await Genoseq.InProcessAsync(arguments);
        Assert.Equal(1, changed.ExitCode);
        Assert.Contains("OVER", changed.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_NothingRecorded_IsNoSuccess()
    {
        Record("mamba", out string[] arguments);
        SafetensorsWriter.WriteFile(_work["io.safetensors"], [SafetensorsSource.FromArray("input_ids", [1, 4], new[] { 7L, 8, 9, 10 })]);
        Answer answer = await Genoseq.InProcessAsync(arguments);
        Assert.Equal(1, answer.ExitCode);
    }

    [SharedTheory]
    [InlineData("caduceus-ps")]
    [InlineData("caduceus-ph")]
    [InlineData("mamba-hf")]
    [InlineData("llama-hf")]
    public async Task Verify_ReferenceImplementation_Agrees(string name)
    {
        Answer answer = await Genoseq.RunAsync(_work.Folder, "verify", "--config", Golden($"{name}.config.json"),
            "--weights", Golden($"{name}.weights.safetensors"), "--reference", Golden($"{name}.io.safetensors"));
        Assert.True(answer.ExitCode == 0, answer.Error + answer.Out);
        Assert.Contains("logits", answer.Out, StringComparison.Ordinal);
        Assert.True(answer.Out.Split('\n').Count(l => l.EndsWith(" ok", StringComparison.Ordinal)) > 10, answer.Out);
    }

    [SharedTheory]
    [InlineData("caduceus-ps")]
    [InlineData("mamba-hf")]
    [InlineData("llama-hf")]
    public async Task Convert_ReferenceWeights_ComeBackUnchanged(string name)
    {
        Answer there = await Genoseq.InProcessAsync("convert", Golden(name), "--config", Golden($"{name}.config.json"),
            "--weights", Golden($"{name}.weights.safetensors"), "-o", _work["native"], "--to", "genoseq");
        Assert.True(there.ExitCode == 0, there.Error);
        Answer back = await Genoseq.InProcessAsync("convert", _work["native"], "-o", _work["again"], "--to", "hf");
        Assert.True(back.ExitCode == 0, back.Error);
        using SafetensorsCheckpoint original = SafetensorsCheckpoint.Open(Golden($"{name}.weights.safetensors"));
        using SafetensorsCheckpoint again = SafetensorsCheckpoint.Open(_work["again"]);
        Assert.True(again.Entries.Count > 5);
        Assert.All(again.Entries, e => Assert.True(original.Bytes(e.Name).SequenceEqual(again.Bytes(e.Name)), e.Name));

        // What is not written again is a tied tensor's second copy.
        HashSet<string> kept = [.. again.Entries.Select(e => e.Name)];
        Assert.All(original.Entries.Where(e => !kept.Contains(e.Name)), e =>
            Assert.Contains(again.Entries, k => k.ByteLength == e.ByteLength && again.Bytes(k.Name).SequenceEqual(original.Bytes(e.Name))));
    }

    private void Record(string family, out string[] arguments)
    {
        using SequenceModel model = ModelFile.Create(Config(family));
        ModelFile.Save(model, _work["model"]);
        Models.Families.ModelLayout layout = Models.Families.ModelLayout.For(model.Config);
        using DisposeScope scope = torch.NewDisposeScope();
        long[] ids = [7, 8, 9, 10, 10, 9, 7, 7, 8, 8, 9, 10];
        torch.Tensor logits = model.forward(torch.tensor<long>(ids, [2, 6]));
        Models.Losses.LossTotals totals = Models.Losses.SequenceLoss.Compute(logits.narrow(1, 0, 5), torch.tensor<long>(ids, [2, 6]).narrow(1, 1, 5));
        torch.Tensor loss = totals.Sum / totals.WeightSum;
        loss.backward();
        (string name, torch.nn.Parameter weight) = model.named_parameters().First(p => p.name.Contains("in_proj", StringComparison.Ordinal));
        SafetensorsWriter.WriteFile(_work["io.safetensors"],
        [
            SafetensorsSource.FromArray("input_ids", [2, 6], ids),
            SafetensorsSource.FromArray("logits", logits.shape, logits.detach().contiguous().ToArray<float>()),
            SafetensorsSource.FromArray("loss", [1], [(float)loss.item()]),
            SafetensorsSource.FromArray("grad." + layout.FileName(name, model.Config), weight.shape, weight.grad!.contiguous().ToArray<float>()),
        ]);
        arguments = ["verify", "--config", _work["model/config.json"], "--weights", _work["model/model.safetensors"], "--reference", _work["io.safetensors"]];
    }

    private static void ChangeOneNumber(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        long header = BitConverter.ToInt64(bytes);
        using (SafetensorsCheckpoint stored = SafetensorsCheckpoint.Open(file))
        {
            SafetensorsEntry entry = stored.Entries.First(e => e.Name.EndsWith("norm_f.weight", StringComparison.Ordinal));
            BitConverter.TryWriteBytes(bytes.AsSpan((int)(8 + header + entry.Begin)), 1.5f);
        }

        File.WriteAllBytes(file, bytes);
    }
}
