using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>Sequences packed in one row do not see each other.</summary>
public sealed class PackingTests
{
    public static TheoryData<string, ModelConfig> Models() => new()
    {
        { "causal", TestModels.Causal("M", 2, 12) },
        { "ph", TestModels.Caduceus(false) },
        { "ps", TestModels.Caduceus(true, nLayer: 3) },
        { "ps swapped", TestModels.Caduceus(true, true, 3) },
        { "attention", TestModels.Causal("A") },
        { "windowed attention", TestModels.Causal("A") with { Attention = new AttentionConfig { NHead = 2, SlidingWindow = 9 } } },
        { "bidirectional attention", TestModels.Causal("A") with { Bidirectional = true } },
        { "ps hybrid", TestModels.Caduceus(true, true) with { Layout = "A M", Attention = new AttentionConfig { NHead = 2 } } },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void Forward_Packed_EqualsEachSequenceAlone(string name, ModelConfig config)
    {
        using SequenceModel model = TestModels.Build(config);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        int[][] cuts = [[5, 1, 70, 2, 22], [33, 64, 1, 1, 1]];
        int[][] rows = TestModels.Sequences(2, 100);
        // Ids come back after another (0, 1, 0, 1, 0): only the change counts.
        Tensor ids = TestModels.Ids([.. cuts.Select(c => c.SelectMany((n, k) => Enumerable.Repeat(k % 2, n)).ToArray())]);
        Tensor packed = model.forward(TestModels.Ids(rows), ids);
        Tensor hidden = model.ForwardHidden(TestModels.Ids(rows), ids.to(int64));
        for (int b = 0; b < cuts.Length; b++)
        {
            int first = 0;
            foreach (int count in cuts[b])
            {
                Tensor alone = TestModels.Ids(rows[b][first..(first + count)]);
                string what = $"{name}: row {b}, {first}..{first + count}";
                Closeness.Check(model.forward(alone), packed.narrow(0, b, 1).narrow(1, first, count), 1e-5, what);
                Closeness.Check(model.ForwardHidden(alone), hidden.narrow(0, b, 1).narrow(1, first, count), 1e-5, what);
                first += count;
            }
        }
    }

    [Fact]
    public void Forward_PackedAttentionOverSeveralBlocks_EqualsEachSequenceAlone()
    {
        using SequenceModel model = TestModels.Build(TestModels.Causal("A", 1, 8));
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        int[] row = TestModels.Sequences(1, 1200)[0];
        Tensor ids = tensor([.. Enumerable.Range(0, 1200).Select(t => t < 700 ? 3 : 9)], 1, 1200);
        Tensor packed = model.forward(TestModels.Ids(row), ids);
        Closeness.Check(model.forward(TestModels.Ids(row[700..])), packed.narrow(1, 700, 500), 1e-5, "second sequence");
        Closeness.Check(model.forward(TestModels.Ids(row[..700])), packed.narrow(1, 0, 700), 1e-5, "first sequence");
    }

    [Fact]
    public void Backward_Packed_EqualsTheSumOfEachAlone()
    {
        using SequenceModel model = TestModels.Build(TestModels.Caduceus(true, true));
        using DisposeScope scope = NewDisposeScope();
        int[] row = TestModels.Sequences(1, 90)[0];
        Tensor ids = tensor([.. Enumerable.Range(0, 90).Select(t => t < 31 ? 0 : 1)], 1, 90);
        model.forward(TestModels.Ids(row), ids).square().sum().backward();
        Dictionary<string, Tensor> packed = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!.clone());
        model.zero_grad();
        model.forward(TestModels.Ids(row[..31])).square().sum().backward();
        model.forward(TestModels.Ids(row[31..])).square().sum().backward();
        Assert.All(model.named_parameters(), p => Closeness.Check(p.parameter.grad!, packed[p.name], 2e-5, p.name));
    }
}
