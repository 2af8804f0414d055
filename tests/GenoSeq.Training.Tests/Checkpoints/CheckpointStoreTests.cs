using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Training.Checkpoints;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;
using GenoSeq.Training.Tests.Engine;
using GenoSeq.Training.Tests.Runs;

namespace GenoSeq.Training.Tests.Checkpoints;

[Collection(EngineCollection.Name)]
public sealed class CheckpointStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SequenceModel _model = ModelFile.Create(new ModelConfig { DModel = 8, NLayer = 1 });
    private readonly torch.optim.AdamW _optimizer;

    public CheckpointStoreTests() => _optimizer = Optimization.CreateOptimizer(_model, new TrainConfig());

    public void Dispose()
    {
        _optimizer.Dispose();
        _model.Dispose();
        _folder.Dispose();
    }

    private string[] Steps() => [.. Directory.GetDirectories(_folder.Path).Select(p => Path.GetFileName(p)!).Order(StringComparer.Ordinal)];

    private void Save(CheckpointStore store, long step, bool isBest = false) =>
        store.Save(new TrainerState { Step = step }, _model, _optimizer, isBest);

    [Fact]
    public void Save_More_KeepsNewestAndBest()
    {
        var store = new CheckpointStore(_folder.Path, "name: x\n", keep: 2);
        Save(store, 10);
        Save(store, 20, isBest: true);
        Save(store, 30);
        Save(store, 40);
        Save(store, 50);
        Assert.Equal(["step-000020", "step-000040", "step-000050"], Steps());
        Assert.EndsWith("step-000020", store.Best(), StringComparison.Ordinal);
        Assert.EndsWith("step-000050", store.Last(), StringComparison.Ordinal);
        Save(store, 60, isBest: true);
        Assert.Equal(["step-000050", "step-000060"], Steps());
    }

    [Fact]
    public void Save_BehindAnEarlierCheckpoint_KeepsTheLast()
    {
        var store = new CheckpointStore(_folder.Path, "", keep: 2);
        Save(store, 20);
        Save(store, 30);
        Save(store, 40, isBest: true);
        Save(store, 25);
        Assert.EndsWith("step-000025", store.Last(), StringComparison.Ordinal);
        Assert.EndsWith("step-000040", store.Best(), StringComparison.Ordinal);
    }

    [Fact]
    public void Save_FailsAtTheLastPointer_HasPointedToTheBest()
    {
        // A folder of that name stands for a crash between the two pointers.
        var store = new CheckpointStore(_folder.Path, "", keep: 2);
        Directory.CreateDirectory(_folder["last"]);
        Assert.ThrowsAny<Exception>(() => Save(store, 10, isBest: true));
        Assert.EndsWith("step-000010", store.Best(), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_RemainsOfADeadWriter_AreRemoved()
    {
        string dead = _folder[$".step-000077.{Environment.MachineName}~999999999~1~1.tmp"];
        Directory.CreateDirectory(dead);
        File.WriteAllText(Path.Combine(dead, "model.safetensors"), "half");
        _ = new CheckpointStore(_folder.Path, "", keep: 2);
        Assert.False(Directory.Exists(dead));
    }

    [Fact]
    public void Last_PointerToNothing_IsNull()
    {
        var store = new CheckpointStore(_folder.Path, "", keep: 2);
        Assert.Null(store.Last());
        File.WriteAllText(_folder["last"], "step-000099\n");
        Assert.Null(store.Last());
    }

    [Fact]
    public void Restore_Saved_GivesWeightsMomentsRandomStateAndPosition()
    {
        using DisposeScope scope = torch.NewDisposeScope();
        foreach (torch.nn.Parameter p in _model.parameters())
        {
            p.mul(p).sum().backward();
        }

        _optimizer.step();
        string path = new CheckpointStore(_folder.Path, "", keep: 1).Save(
            new TrainerState { Step = 7, Tokens = 11, BestValidation = 1.9999999999999998, ValidationsSinceBest = 2, WindowBits = 0.1, WindowSteps = 3 },
            _model, _optimizer, isBest: false);
        float[] drawn = torch.rand([5]).ToArray<float>();

        using SequenceModel other = ModelFile.Create(_model.Config);
        using torch.optim.AdamW moments = Optimization.CreateOptimizer(other, new TrainConfig());
        TrainerState state = CheckpointStore.Restore(path, other, moments);
        Assert.Equal((7, 11, 1.9999999999999998, 2, 0.1, 3),
            (state.Step, state.Tokens, state.BestValidation, state.ValidationsSinceBest, state.WindowBits, state.WindowSteps));
        Assert.Equal(7, moments.StepCount);
        Assert.Equal(drawn, torch.rand([5]).ToArray<float>());
        Assert.All(_model.parameters().Zip(other.parameters()), p => Assert.Equal(Values(p.First), Values(p.Second)));
        Assert.All(_optimizer.State.Zip(moments.State), s =>
        {
            Assert.Equal(Values(s.First.ExpAvg), Values(s.Second.ExpAvg));
            Assert.Equal(Values(s.First.ExpAvgSq), Values(s.Second.ExpAvgSq));
        });
        Assert.Contains(_optimizer.State, s => Values(s.ExpAvg).Any(v => v != 0));
    }

    [Fact]
    public void Restore_OtherModel_IsRefused()
    {
        string path = new CheckpointStore(_folder.Path, "", keep: 1).Save(new TrainerState { Step = 1 }, _model, _optimizer, isBest: false);
        using SequenceModel other = ModelFile.Create(_model.Config with { NLayer = 2 });
        using torch.optim.AdamW moments = Optimization.CreateOptimizer(other, new TrainConfig());
        Assert.Throws<CheckpointException>(() => CheckpointStore.Restore(path, other, moments));
    }

    [Theory]
    [InlineData("{", "not what a run writes")]
    [InlineData(null, "there is no trainer_state.json")]
    public void ReadState_Damaged_IsRefused(string? text, string words)
    {
        if (text is not null)
        {
            File.WriteAllText(_folder["trainer_state.json"], text);
        }

        var error = Assert.Throws<CheckpointException>(() => CheckpointStore.ReadState(_folder.Path));
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    private static float[] Values(torch.Tensor t) => t.detach().contiguous().ToArray<float>();
}
