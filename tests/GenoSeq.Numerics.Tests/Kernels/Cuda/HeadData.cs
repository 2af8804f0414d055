using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Kernels.Reference;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>Sizes of one case of the head's loss.</summary>
/// <param name="Vocab">Rows of the weight.</param>
/// <param name="Batch">Batch entries.</param>
/// <param name="Length">Positions.</param>
/// <param name="Width">d.</param>
/// <param name="Both">Two strands.</param>
/// <param name="Single">Hidden states in single precision.</param>
/// <param name="Share">Share of positions with a target.</param>
/// <param name="Weighted">Positions have weights, some of them 0.</param>
/// <param name="Cap">Cap of the logits, or 0.</param>
/// <param name="Z">Factor of the z-loss.</param>
public sealed record HeadCase(int Vocab, int Batch, int Length, int Width, bool Both, bool Single, double Share, bool Weighted,
    double Cap = 0, double Z = 0);

/// <summary>Inputs of a case, and their loss and gradients by plain loops in double precision.</summary>
internal sealed unsafe class HeadData
{
    private readonly HeadCase _case;
    private readonly int[] _map;
    private readonly int[] _targets;
    private readonly double[]? _weights;
    private readonly double[] _hidden;
    private readonly double[] _weight;
    private readonly Tensor? _complement;
    private readonly Tensor _targetTensor;
    private readonly Tensor? _weightsTensor;

    public HeadData(HeadCase c, int seed)
    {
        _case = c;
        var sample = new Sample(seed + c.Vocab + c.Length);
        int rows = c.Batch * c.Length;
        (Hidden, _hidden) = sample.Normal(c.Single ? float32 : bfloat16, (c.Both ? 2 : 1) * rows, c.Width);
        (Weight, _weight) = sample.Normal(float32, c.Vocab, c.Width);
        Weight.mul_(2 / Math.Sqrt(c.Width));
        _weight = Sample.Doubles(Weight);
        _map = Sample.Complement(c.Vocab);
        _complement = c.Both ? tensor(_map) : null;
        _targets = [.. sample.Ints(0, c.Vocab, rows).Select(t => sample.NextDouble() < c.Share ? t : -100)];
        _targetTensor = tensor(_targets, c.Batch, c.Length);
        if (c.Weighted)
        {
            float[] w = [.. Enumerable.Range(0, rows).Select(i => i % 5 == 0 ? 0 : (float)(0.5 + sample.NextDouble()))];
            _weights = Array.ConvertAll(w, x => (double)x);
            _weightsTensor = tensor(w, c.Batch, c.Length);
        }
    }

    public Tensor Hidden { get; }

    public Tensor Weight { get; }

    /// <summary>Positions with a target.</summary>
    public int Count => _targets.Count(t => t >= 0);

    public HeadLossResult Run(KernelDevice device, double scale, bool gradients = true, Tensor? factor = null, long bound = 0) =>
        HeadLossKernels.ForwardBackward(device, Hidden, _complement, _case.Batch, _case.Length, Weight, _targetTensor, _weightsTensor, scale,
            gradients, factor, bound, new HeadOptions(_case.Cap, _case.Z));

    public (double[] Totals, double[] DHidden, double[] DWeight) Reference(double scale)
    {
        (int rows, int vocab, int width) = (_targets.Length, _case.Vocab, _case.Width);
        var logits = new double[rows * vocab];
        Each((row, v, from, source) =>
        {
            for (int d = 0; d < width; d++) logits[(row * vocab) + v] += _weight[(source * width) + d] * _hidden[(from * width) + d];
        });
        double[] slopes = Array.ConvertAll(logits, l => _case.Cap == 0 ? 1 : 1 - Math.Pow(Math.Tanh(l / _case.Cap), 2));
        logits = _case.Cap == 0 ? logits : Array.ConvertAll(logits, l => _case.Cap * Math.Tanh(l / _case.Cap));
        CrossEntropyTotals totals;
        fixed (double* l = logits, w = _weights)
        fixed (int* t = _targets)
        {
            var x = new CrossEntropyInputs<double> { Tokens = rows, Vocab = vocab, Logits = l, LogitsStride = vocab, Targets = t, Weights = w, ZLoss = _case.Z };
            totals = CrossEntropyReference.Forward(x, default);
            CrossEntropyReference.Backward(x, new CrossEntropyGradients<double> { DLogits = l, DLogitsStride = vocab, Scale = scale });
        }

        var dHidden = new double[_hidden.Length];
        var dWeight = new double[_weight.Length];
        Each((row, v, from, source) =>
        {
            double g = logits[(row * vocab) + v] * slopes[(row * vocab) + v];
            for (int d = 0; d < width; d++)
            {
                dHidden[(from * width) + d] += g * _weight[(source * width) + d];
                dWeight[(source * width) + d] += g * _hidden[(from * width) + d];
            }
        });
        return ([totals.LossSum, totals.WeightSum, totals.Count, totals.Correct], dHidden, dWeight);
    }

    // Every row of hidden states and row of the weight whose product is part of a logit.
    private void Each(Action<int, int, int, int> part)
    {
        for (int row = 0; row < _targets.Length; row++)
        {
            (int b, int t) = Math.DivRem(row, _case.Length);
            for (int v = 0; v < _case.Vocab; v++)
            {
                part(row, v, row, v);
                if (_case.Both) part(row, v, _targets.Length + (b * _case.Length) + _case.Length - 1 - t, _map[v]);
            }
        }
    }
}
