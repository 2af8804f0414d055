using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Kernels.Reference;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>Shape and options of one convolution problem.</summary>
public sealed record ConvCase(int Batch, int Length, int Channels, bool Forward, bool Reverse, bool Ids, bool Before, bool Single)
{
    public int Taps { get; init; } = 4;

    public bool Bias { get; init; } = true;

    /// <summary>Elements between rows beyond the channels.</summary>
    public int Gap { get; init; }

    /// <summary>Of the projections through which more of u's gradient comes; 0: none.</summary>
    public int Width { get; init; }

    public ScalarType Type => Single ? float32 : bfloat16;
}

/// <summary>Inputs of a case, the kernels' results and the fp64 reference's.</summary>
internal sealed unsafe class ConvData
{
    private readonly ConvCase _case;
    private readonly double[] _x;
    private readonly int[]? _ids;
    private readonly List<Side> _sides = [];

    public ConvData(ConvCase c)
    {
        _case = c;
        var sample = new Sample(c.Length + c.Channels);
        X = Strided(c);
        (Tensor x, _x) = sample.Normal(c.Type, c.Batch, c.Length, c.Channels);
        X.copy_(x);
        if (c.Ids)
        {
            int id = 0;
            _ids = [.. sample.Ints(0, 5, c.Batch * c.Length).Select(i => i == 0 ? ++id % 3 : id % 3)];
        }

        foreach (bool reverse in (bool[])[false, true])
        {
            if (!(reverse ? c.Reverse : c.Forward)) continue;
            (Tensor weight, double[] w) = sample.Normal(float32, c.Channels, 1, c.Taps);
            (Tensor bias, double[] b) = sample.Normal(float32, c.Channels);
            (Tensor before, double[] h) = sample.Normal(c.Type, c.Batch, c.Taps - 1, c.Channels);
            (Tensor du, double[] g) = sample.Normal(c.Type, c.Batch, c.Length, c.Channels);
            Tensor rows = Strided(c);
            rows.copy_(du);
            ConvProjection? through = c.Width == 0 ? null : Project(c, sample, g);
            var direction = new ConvDirection(weight, c.Bias ? bias : null, reverse, c.Before ? before : null);
            _sides.Add(new Side(direction, rows, through, w, c.Bias ? b : null, c.Before ? h : null, g));
        }
    }

    public Tensor X { get; }

    public double[] XValues => _x;

    private ConvDirection[] Directions => [.. _sides.Select(s => s.Direction)];

    private Tensor? Ids => _ids is null ? null : tensor(_ids, _case.Batch, _case.Length);

    /// <summary>Everything the kernels compute.</summary>
    public Results Run(KernelDevice device)
    {
        var results = new Results();
        Tensor[] u = ConvKernels.Forward(device, X, Directions, Ids);
        Tensor dx = Strided(_case);
        ConvGradients[] gradients = ConvKernels.Backward(device, X, Directions, Ids, [.. _sides.Select(s => s.Rows)], dx,
            _case.Width == 0 ? [] : [.. _sides.Select(s => s.Through!)]);
        results.Put("dx", Sample.Doubles(dx));
        for (int i = 0; i < u.Length; i++)
        {
            string side = _sides[i].Direction.Reverse ? "reverse." : "forward.";
            results.Put(side + "u", Sample.Doubles(u[i]));
            results.Put(side + "dweight", Sample.Doubles(gradients[i].DWeight));
            if (gradients[i].DBias is { } b) results.Put(side + "dbias", Sample.Doubles(b));
            if (gradients[i].DBefore is { } h) results.Put(side + "dbefore", Sample.Doubles(h));
        }

        return results;
    }

    /// <summary>The same by plain loops in double precision.</summary>
    public Results Reference()
    {
        var results = new Results();
        var dx = new double[_x.Length];
        foreach (Side s in _sides)
        {
            string side = s.Direction.Reverse ? "reverse." : "forward.";
            double[] u = new double[_x.Length], dw = new double[s.Weight.Length], db = new double[_case.Channels];
            double[]? dh = s.Before is null ? null : new double[s.Before.Length];
            fixed (double* px = _x, pw = s.Weight, pb = s.Bias, ph = s.Before, pu = u, pg = s.Gradient, pdx = dx, pdw = dw, pdb = db, pdh = dh)
            fixed (int* ids = _ids)
            {
                Rows<double> Of(double* p) => Rows.Dense(p, _case.Length, _case.Channels);
                var inputs = new CausalConvInputs<double>
                {
                    Batch = _case.Batch,
                    Length = _case.Length,
                    Channels = _case.Channels,
                    Taps = _case.Taps,
                    X = Of(px),
                    Weight = pw,
                    Bias = pb,
                    Silu = true,
                    Reverse = s.Direction.Reverse,
                    InitialHalo = ph,
                    SequenceIds = ids,
                    SequenceIdsBatchStride = _case.Length,
                };
                CausalConvReference.Forward(inputs, new CausalConvOutputs<double> { Out = Of(pu) });
                CausalConvReference.Backward(inputs, new CausalConvGradients<double>
                {
                    DOut = Of(pg),
                    DX = Of(pdx),
                    AccumulateX = true,
                    DWeight = pdw,
                    DBias = pdb,
                    DInitialHalo = pdh,
                });
            }

            results.Put(side + "u", u);
            results.Put(side + "dweight", dw);
            if (_case.Bias) results.Put(side + "dbias", db);
            results.Put(side + "dbefore", dh);
        }

        results.Put("dx", dx);
        return results;
    }

    /// <summary>Sum of u * du over all directions: what the gradients are of.</summary>
    public double Objective(KernelDevice device) => ConvKernels.Forward(device, X, Directions, Ids)
        .Select((u, i) => Sample.Doubles(u).Zip(_sides[i].Gradient, (a, b) => a * b).Sum()).Sum();

    // Adds what comes through a projection to a gradient.
    private static ConvProjection Project(ConvCase c, Sample sample, double[] gradient)
    {
        (Tensor rows, double[] r) = sample.Normal(c.Type, c.Batch, c.Length, c.Width);
        (Tensor weight, double[] w) = sample.Normal(c.Type, c.Width, c.Channels);
        for (int t = 0; t < c.Batch * c.Length; t++)
        {
            for (int k = 0; k < c.Width; k++)
            {
                for (int i = 0; i < c.Channels; i++) gradient[(t * c.Channels) + i] += r[(t * c.Width) + k] * w[(k * c.Channels) + i];
            }
        }

        Tensor strided = full([c.Batch, c.Length, c.Width + c.Gap], double.NaN, c.Type).narrow(2, 0, c.Width);
        strided.copy_(rows);
        return new ConvProjection(strided, weight);
    }

    // A view of wider rows, NaN where nothing was written.
    private static Tensor Strided(ConvCase c) =>
        full([c.Batch, c.Length, c.Channels + c.Gap], double.NaN, c.Type).narrow(2, c.Gap, c.Channels);

    private sealed record Side(ConvDirection Direction, Tensor Rows, ConvProjection? Through, double[] Weight, double[]? Bias, double[]? Before, double[] Gradient);
}
