using GenoSeq.Models.Tests.Oracle;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>logits(rc(x))[t, v] = logits(x)[length - 1 - t, complement(v)] for whatever the settings allow.</summary>
public sealed class EquivarianceTests
{
    public static TheoryData<string, bool, int, bool> Models()
    {
        var data = new TheoryData<string, bool, int, bool>();
        foreach (string layout in new[] { "M", "M A", "A" })
        {
            foreach (bool swap in new[] { false, true })
            {
                foreach (int layers in new[] { 1, 2, 3 })
                {
                    data.Add(layout, swap, layers, layers == 2);
                }
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Forward_ReverseComplement_IsMirrored(string layout, bool swap, int layers, bool mlp)
    {
        foreach (bool tied in new[] { true, false })
        {
            ModelConfig config = TestModels.Caduceus(true, swap, layers) with
            {
                Layout = layout,
                TieEmbeddings = tied,
                Attention = new AttentionConfig { NHead = 4, NKvHead = 2, DHead = 4, SlidingWindow = tied ? 0 : 9, Bias = true },
                Mamba = new MambaConfig { DState = 4, Bias = tied, BidirectionalStrategy = tied ? "add" : "ew_multiply" },
                Mlp = mlp ? new MlpConfig { DFf = 10, Bias = true } : null,
            };
            Check(config, id => OracleModel.Complement(id), TestModels.Sequences(2, 41));
        }
    }

    [Fact]
    public void Forward_Bytes_IsMirroredLetterByLetter()
    {
        const string From = "ACGTacgtNnRYrySWKMkmBVDHbvdh";
        const string To = "TGCAtgcaNnYRyrSWMKmkVBHDvbhd";
        ModelConfig config = TestModels.Caduceus(true) with { Alphabet = "bytes", VocabSize = 264 };
        int[][] sequences = [.. TestModels.Sequences(2, 41, From.Length).Select(s => s.Select(i => (int)From[i]).ToArray())];
        Check(config, id => From.IndexOf((char)id, StringComparison.Ordinal) is >= 0 and int at ? To[at] : id, sequences);
    }

    [Fact]
    public void Forward_Ph_IsNotEquivariant()
    {
        // What the other tests assert is a property of the weights' sharing and not of the check.
        using SequenceModel model = TestModels.Build(TestModels.Caduceus(false));
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        (Tensor there, Tensor back) = Both(model, OracleModel.Complement, TestModels.Sequences(1, 41));
        Assert.True((there - back).abs().max().item() > 0.1);
    }

    private static void Check(ModelConfig config, Func<int, int> complement, int[][] sequences)
    {
        Assert.Empty(config.Validate());
        using SequenceModel model = TestModels.Build(config);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        (Tensor there, Tensor back) = Both(model, complement, sequences);
        Closeness.Check(there, back, 1e-5, $"{config.Layout} x{config.NLayer}");
    }

    private static (Tensor There, Tensor Back) Both(SequenceModel model, Func<int, int> complement, int[][] sequences)
    {
        int[][] others = [.. sequences.Select(s => s.Reverse().Select(complement).ToArray())];
        int[] map = [.. Enumerable.Range(0, model.Config.VocabSize).Select(complement)];
        Tensor back = model.forward(TestModels.Ids(others)).flip(1).index_select(2, tensor(map).to(int64));
        return (model.forward(TestModels.Ids(sequences)), back);
    }
}
