using GenoSeq.Models;
using GenoSeq.Torch.Safetensors;

namespace GenoSeq.Numerics.Tests.Golden;

/// <summary>Recorded outputs of the reference implementations, reproduced.</summary>
public sealed class GoldenModelTests
{
    [SharedTheory]
    [InlineData("caduceus-ps")]
    [InlineData("caduceus-ph")]
    [InlineData("mamba-hf")]
    [InlineData("llama-hf")]
    [InlineData("mamba2-hf")]
    [InlineData("jamba-hf")]
    public void Reference_Recorded_IsReproduced(string name)
    {
        IReadOnlyList<VerificationRow> rows = Compare(name);
        Assert.True(rows.Count > 10, "nothing was compared");
        Assert.All(rows, r => Assert.True(r.Passed, $"{r.Name}: error {r.Error:g3} over {r.Tolerance:g3}"));
    }

    /// <summary>Of HyenaDNA the hidden states and their products with the embedding are recorded.</summary>
    [SharedFact]
    public void HyenaDna_Recorded_IsReproduced()
    {
        IReadOnlyList<VerificationRow> rows = Compare("hyenadna");
        Assert.Equal(["hidden_states", "logits_tied"], rows.Select(r => r.Name));
        Assert.All(rows, r => Assert.True(r.Passed, $"{r.Name}: error {r.Error:g3} over {r.Tolerance:g3}"));
    }

    private static IReadOnlyList<VerificationRow> Compare(string name)
    {
        string folder = Repository.SharedPath("golden");
        string config = Path.Combine(folder, $"{name}.config.json");
        using SequenceModel model = ModelFile.Load(config, Path.Combine(folder, $"{name}.weights.safetensors"));
        using SafetensorsCheckpoint reference = SafetensorsCheckpoint.Open(Path.Combine(folder, $"{name}.io.safetensors"));
        return Verification.Run(model, ModelFile.ReadConfig(config).Layout, reference, 1e-4);
    }
}
