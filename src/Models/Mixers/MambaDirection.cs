using GenoSeq.Models.Blocks;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Mixers;

/// <summary>
/// The parameters of one Mamba-1 direction, with the reference's names and initial values (Gu and Dao 2023): D = d_inner,
/// N = d_state, R = dt_rank, K = d_conv.
/// </summary>
public sealed class MambaDirection : nn.Module
{
    private readonly RmsNorm? _normOfDt;
    private readonly RmsNorm? _normOfB;
    private readonly RmsNorm? _normOfC;

    /// <summary>Creates the parameters.</summary>
    /// <param name="config">Settings.</param>
    /// <param name="dModel">Width of the residual stream.</param>
    /// <param name="tied">A direction whose in_proj and out_proj this one shares, or null.</param>
    public MambaDirection(MambaConfig config, int dModel, MambaDirection? tied = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        (int d, int n, int r) = (config.DInner(dModel), config.DState, config.Rank(dModel));
        InProj = register_module("in_proj", tied is null ? new nn.Linear(dModel, 2 * d, config.Bias) : new nn.Linear(tied.InProj));
        Conv1d = register_module("conv1d", new DepthwiseConv(d, config.DConv, config.ConvBias));
        XProj = register_module("x_proj", new nn.Linear(d, r + (2 * n)));
        if (config.StabilityNorms != "none")
        {
            Norms = new ProjectionNorms(config.StabilityEps, r);
        }

        if (config.StabilityNorms == "weighted")
        {
            _normOfDt = register_module("dt_layernorm", new RmsNorm(r, config.StabilityEps));
            _normOfB = register_module("b_layernorm", new RmsNorm(n, config.StabilityEps));
            _normOfC = register_module("c_layernorm", new RmsNorm(n, config.StabilityEps));
        }

        DtProj = register_module("dt_proj", new nn.Linear(r, d, true));
        ALog = register_parameter("A_log", new nn.Parameter(LogStates(d, n)) { NoWeightDecay = true, KeepFloat32 = true });
        D = register_parameter("D", new nn.Parameter(ones([d])) { NoWeightDecay = true, KeepFloat32 = true });
        OutProj = register_module("out_proj", tied is null ? new nn.Linear(d, dModel, config.Bias) : new nn.Linear(tied.OutProj));
        InitializeSteps(config, r);
    }

    /// <summary>[2D, d_model]; rows are x, then z.</summary>
    public nn.Linear InProj { get; }

    /// <summary>[D, 1, K] and [D].</summary>
    public DepthwiseConv Conv1d { get; }

    /// <summary>[R + 2N, D]; rows are dt, B, C.</summary>
    public nn.Linear XProj { get; }

    /// <summary>[D, R] and [D].</summary>
    public nn.Linear DtProj { get; }

    /// <summary>[D, N]: A = -exp(A_log).</summary>
    public nn.Parameter ALog { get; }

    /// <summary>[D]: the skip.</summary>
    public nn.Parameter D { get; }

    /// <summary>[d_model, D].</summary>
    public nn.Linear OutProj { get; }

    /// <summary>The norms of dt, B and C, or null.</summary>
    internal ProjectionNorms? Norms { get; }

    /// <summary>
    /// What lies between in_proj and out_proj, in the order in which autograd functions take it: conv weight, conv bias or null, x_proj,
    /// dt_proj, dt bias, A_log, D, and the weights of the norms of dt, B and C or nulls.
    /// </summary>
    internal Tensor?[] Inner() =>
    [
        Conv1d.weight, Conv1d.bias, XProj.weight, DtProj.weight, DtProj.bias, ALog, D,
        _normOfDt?.weight, _normOfB?.weight, _normOfC?.weight,
    ];

    private static Tensor LogStates(int d, int n)
    {
        using DisposeScope scope = NewDisposeScope();
        return arange(1, n + 1).to(float32).log().expand(d, n).contiguous().MoveToOuterDisposeScope();
    }

    private void InitializeSteps(MambaConfig config, int rank)
    {
        double bound = Math.Pow(rank, -0.5) * config.DtScale;
        nn.init.uniform_(DtProj.weight, -bound, bound);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        DtProj.bias!.copy_(StepSizes.Initial(DtProj.bias.shape, config.DtMin, config.DtMax, config.DtInitFloor));
    }
}

/// <summary>The parameters of a depthwise convolution, as torch's Conv1d starts them.</summary>
public sealed class DepthwiseConv : nn.Module
{
    /// <summary>Creates the parameters.</summary>
    public DepthwiseConv(int channels, int width, bool hasBias)
    {
        weight = register_parameter("weight", new nn.Parameter(empty([channels, 1, width])));
        nn.init.kaiming_uniform_(weight, Math.Sqrt(5));
        if (hasBias)
        {
            bias = register_parameter("bias", new nn.Parameter(empty([channels])) { NoWeightDecay = true });
            nn.init.uniform_(bias, -1 / Math.Sqrt(width), 1 / Math.Sqrt(width));
        }
    }

    /// <summary>[channels, 1, width].</summary>
    public nn.Parameter weight { get; }

    /// <summary>[channels], or null.</summary>
    public nn.Parameter? bias { get; }
}
