using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Losses;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Blocks;

/// <summary>
/// A mixture of experts (Shazeer et al. 2017; as in Jamba, Lieber et al. 2024): a router's softmax over the experts, the largest few for each
/// position, whose outputs are added with these probabilities, which are not brought to sum 1.
/// </summary>
/// <remarks>
/// Positions are brought into the order of their experts by counting. On a CPU each expert then takes its stretch of rows. On a device the
/// host does not know the counts and does not wait for them: every expert's rows are padded to whole blocks, and one batched product
/// takes all blocks, each with its expert's weights. The number of blocks is that of the worst case. Everything is deterministic:
/// no two rows are ever added by different threads.
/// </remarks>
public sealed class SparseMlp : ChannelMlp
{
    // Blocks on a device: smaller ones copy weights more often, larger ones have more padding.
    private const long BlocksOfExpert = 4;
    private const long BlockRows = 16;

    private static readonly Operator s_topk = new("aten::topk");
    private static readonly Operator s_indexCopy = new("aten::index_copy");
    private static readonly Operator s_remainder = new("aten::remainder", "Scalar");

    private readonly MlpConfig _config;

    /// <summary>Creates the experts and their router.</summary>
    /// <param name="config">Settings.</param>
    /// <param name="dModel">Width of the residual stream.</param>
    public SparseMlp(MlpConfig config, int dModel)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        Router = register_module("router", new nn.Linear(dModel, config.Experts));
        Experts = register_module("experts", new nn.ModuleList<SwiGlu>(Enumerable.Range(0, config.Experts).Select(_ => new SwiGlu(config, dModel))));
    }

    /// <summary>[experts, d_model].</summary>
    public nn.Linear Router { get; }

    /// <summary>The experts.</summary>
    public nn.ModuleList<SwiGlu> Experts { get; }

    /// <inheritdoc/>
    public override Torch.ScalarType ComputeType
    {
        get => base.ComputeType;
        set
        {
            base.ComputeType = value;
            foreach (SwiGlu expert in Experts)
            {
                expert.ComputeType = value;
            }
        }
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor x, SideLosses? side = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        using DisposeScope scope = NewDisposeScope();
        Tensor flat = x.reshape(-1, x.size(-1));
        (long tokens, long width, int chosen) = (flat.size(0), flat.size(1), _config.ExpertsPerToken);
        Tensor probabilities = nn.functional.linear(flat.dtype == bfloat16 ? flat.to(float32) : flat, Router.weight).softmax(-1);
        Tensor?[] best = s_topk.CallMany(probabilities, (long)chosen, -1L, true, true);
        bool onDevice = x.device.Type == DeviceType.CUDA || KernelDevices.Of(x) is not null;
        Plan plan = Order(best[1]!.reshape(-1), tokens * chosen, onDevice);
        if (side is not null && _config.RouterLoss > 0)
        {
            side.Add(new RouterTerm(_config.RouterLoss, chosen), stack([probabilities.sum([0]), plan.Counts.to(probabilities.dtype)]));
        }

        Tensor rows = flat.unsqueeze(1).expand(tokens, chosen, width).reshape(tokens * chosen, width);
        Tensor sorted = s_indexCopy.Call(zeros([plan.Rows, width], flat.dtype, flat.device), 0L, plan.Slots, rows);
        Tensor y = onDevice ? Blocks(sorted, plan) : Stretches(sorted, plan);
        Tensor back = y.index_select(0, plan.Slots).view(tokens, chosen, width);
        return (back * best[0]!.unsqueeze(-1).to(back.dtype)).sum([1]).reshape(x.shape).MoveToOuterDisposeScope();
    }

    // Where each choice's row lies: behind the rows of the experts before, which are padded to whole blocks, and its expert's own before it.
    private Plan Order(Tensor experts, long choices, bool blocks)
    {
        using IDisposable mode = no_grad();
        long block = blocks ? Math.Max(BlockRows, (choices / (BlocksOfExpert * _config.Experts) + BlockRows - 1) / BlockRows * BlockRows) : 1;
        Tensor mine = experts.unsqueeze(1).eq(arange(0, _config.Experts, 1, int64, experts.device)).to(int32);
        Tensor rank = (mine.cumsum(0) - mine).gather(1, experts.unsqueeze(1)).squeeze(1);
        Tensor counts = mine.sum([0]);
        Tensor up = counts + full([1], block - 1, int64, experts.device);
        Tensor taken = up - s_remainder.Call(up, block);
        Tensor begins = taken.cumsum(0) - taken;
        long rows = blocks ? ((choices + block - 1) / block * block) + (_config.Experts * block) : choices;
        return new Plan(counts, begins, taken, begins.index_select(0, experts) + rank, rows, block);
    }

    private Tensor Stretches(Tensor sorted, Plan plan)
    {
        long[] counts = plan.Counts.ToArray<long>();
        var outputs = new Tensor[counts.Length];
        long first = 0;
        for (int e = 0; e < counts.Length; e++)
        {
            // One that nobody chose runs too, so that its gradients are zeros and not absent.
            outputs[e] = Experts[e].forward(sorted.narrow(0, first, counts[e]));
            first += counts[e];
        }

        return cat(outputs);
    }

    private Tensor Blocks(Tensor sorted, Plan plan)
    {
        long blocks = plan.Rows / plan.Block;
        Tensor own;
        using (no_grad())
        {
            Tensor starts = arange(0, plan.Rows, plan.Block, int64, sorted.device).unsqueeze(1);
            own = plan.Begins.le(starts).to(int32).mul((plan.Begins + plan.Taken).gt(starts).to(int32));
        }

        Tensor x = sorted.view(blocks, plan.Block, -1).to(ComputeType);
        Tensor gate = Product(x, own, e => e.Gate);
        Tensor up = Product(x, own, e => e.Up);
        return Product(nn.functional.silu(gate) * up, own, e => e.Down).reshape(plan.Rows, -1).to(sorted.dtype);
    }

    // Each block times its expert's matrix, which a product with rows of one 1 picks out: its gradient needs no scattered sums.
    private Tensor Product(Tensor x, Tensor own, Func<SwiGlu, nn.Linear> which)
    {
        Tensor pick = own.to(ComputeType);
        Tensor weights = stack([.. Experts.Select(e => which(e).weight.to(ComputeType))]);
        Tensor picked = pick.mm(weights.view(weights.size(0), -1)).view(-1, weights.size(1), weights.size(2));
        Tensor y = x.bmm(picked.transpose(1, 2));
        return which(Experts[0]).bias is null
            ? y
            : y + pick.mm(stack([.. Experts.Select(e => which(e).bias!.to(ComputeType))])).unsqueeze(1);
    }

    private sealed record Plan(Tensor Counts, Tensor Begins, Tensor Taken, Tensor Slots, long Rows, long Block);
}
