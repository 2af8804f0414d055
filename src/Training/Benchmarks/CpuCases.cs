using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>The CPU's kernels, in single precision; directions are run one after the other, as layers run them.</summary>
internal static unsafe class CpuCases
{
    private const int Vocab = 16;
    private const int Taps = 4;

    internal static IEnumerable<KernelCase> Scan(BenchShape shape)
    {
        var p = new ScanProblem(shape, float32, CPU);
        ScanOnCpu<float>[] scans = [.. p.Directions.Select(d => new ScanOnCpu<float>(d, p.G))];
        void Forward(bool checkpoints) => Array.ForEach(scans, s => s.Forward(checkpoints));
        void Backward() => Array.ForEach(scans, s => s.Backward());
        KernelCase Case(string pass, double bytes, Action run) => new("scan", pass, shape.ToString(), run)
        {
            Elements = shape.Elements,
            Bytes = bytes,
        };
        yield return Case("forward", p.ForwardBytes, () => Forward(false));
        yield return Case("forward, checkpoints", p.ForwardBytes + p.CheckpointBytes(ScanShape.CheckpointSteps), () => Forward(true));
        Forward(true);
        yield return Case("backward", p.BackwardBytes(ScanShape.CheckpointSteps), Backward);
        yield return Case("forward+backward", p.ForwardBytes + p.CheckpointBytes(ScanShape.CheckpointSteps) + p.BackwardBytes(ScanShape.CheckpointSteps), () =>
        {
            Forward(true);
            Backward();
        });
    }

    internal static bool IsRepeatable(BenchShape shape)
    {
        using DisposeScope scope = NewDisposeScope();
        var p = new ScanProblem(shape with { Directions = 1 }, float32, CPU);
        var scan = new ScanOnCpu<float>(p.Directions[0], p.G);
        scan.Forward(true);
        Tensor[] first = Results();
        Tensor[] second = Results();
        return first.Zip(second).All(t => t.First.ne(t.Second).any().ToInt64() == 0);

        Tensor[] Results()
        {
            scan.Backward();
            return [.. new[] { scan.DU, scan.DDelta, scan.DB, scan.DC, scan.DA, scan.DSkip, scan.DBias }.Select(t => t.clone())];
        }
    }

    internal static KernelCase[] Conv(BenchShape shape)
    {
        (Tensor x, Tensor y, Tensor dx, Tensor du) = (Random(shape), Random(shape), Random(shape), Random(shape));
        Tensor weight = randn([shape.Channels, Taps]);
        Tensor bias = randn([shape.Channels]);
        (Tensor dWeight, Tensor dBias) = (empty_like(weight), empty_like(bias));
        CausalConvInputs<float> Inputs(bool reverse) => new()
        {
            Batch = shape.Batch,
            Length = shape.Length,
            Channels = shape.Channels,
            Taps = Taps,
            X = TensorRows.Of(x),
            Weight = TensorRows.Dense(weight),
            Bias = TensorRows.Dense(bias),
            Silu = true,
            Reverse = reverse,
        };
        KernelCase forward = Case("conv", "forward", shape, shape.Elements * 8.0, i =>
            CausalConv.Forward(Inputs(i == 1), new CausalConvOutputs<float> { Out = TensorRows.Of(y) }));
        KernelCase backward = Case("conv", "backward", shape, shape.Elements * 12.0, i => CausalConv.Backward(Inputs(i == 1), new CausalConvGradients<float>
        {
            DOut = TensorRows.Of(du),
            DX = TensorRows.Of(dx),
            AccumulateX = i == 1,
            DWeight = TensorRows.Dense(dWeight),
            DBias = TensorRows.Dense(dBias),
        }));
        return [forward, backward];
    }

    internal static KernelCase[] Norm(BenchShape shape)
    {
        (Tensor x, Tensor r, Tensor y, Tensor sum, Tensor dx) = (Random(shape), Random(shape), Random(shape), Random(shape), Random(shape));
        (Tensor weight, Tensor dWeight, Tensor rstd) = (randn([shape.Channels]), empty([shape.Channels]), rand([shape.Rows]));
        KernelCase forward = Case("norm", "forward", shape, shape.Elements * 16.0, _ => RmsNorm.Forward(
            new RmsNormInputs<float>
            {
                Batch = shape.Batch,
                Length = shape.Length,
                Channels = shape.Channels,
                X = TensorRows.Of(x),
                Residual = TensorRows.Of(r),
                Weight = TensorRows.Dense(weight),
                Epsilon = 1e-5f,
            },
            new RmsNormOutputs<float> { Y = TensorRows.Of(y), ResidualSum = TensorRows.Of(sum), Rstd = TensorRows.Dense(rstd) }));
        KernelCase backward = Case("norm", "backward", shape, shape.Elements * 16.0, _ => RmsNorm.Backward(new RmsNormGradients<float>
        {
            Batch = shape.Batch,
            Length = shape.Length,
            Channels = shape.Channels,
            ResidualSum = TensorRows.Of(sum),
            Weight = TensorRows.Dense(weight),
            Rstd = TensorRows.Dense(rstd),
            DY = TensorRows.Of(x),
            DResidualSum = TensorRows.Of(r),
            DX = TensorRows.Of(dx),
            DWeight = TensorRows.Dense(dWeight),
        }));
        return [forward, backward];
    }

    internal static KernelCase[] SwiGlu(BenchShape shape)
    {
        (Tensor gate, Tensor up, Tensor y, Tensor dGate, Tensor dUp) = (Random(shape), Random(shape), Random(shape), Random(shape), Random(shape));
        SwiGluInputs<float> Inputs() => new()
        {
            Batch = shape.Batch,
            Length = shape.Length,
            Channels = shape.Channels,
            Gate = TensorRows.Of(gate),
            Up = TensorRows.Of(up),
        };
        KernelCase forward = Case("swiglu", "forward", shape, shape.Elements * 12.0, _ => Models.Kernels.SwiGlu.Forward(Inputs(), TensorRows.Of(y)));
        KernelCase backward = Case("swiglu", "backward", shape, shape.Elements * 20.0, _ => Models.Kernels.SwiGlu.Backward(Inputs(),
            new SwiGluGradients<float> { DOut = TensorRows.Of(y), DGate = TensorRows.Of(dGate), DUp = TensorRows.Of(dUp) }));
        return [forward, backward];
    }

    /// <summary>Cross-entropy of logits; the projection before it is a matrix product of the library.</summary>
    internal static KernelCase[] Loss(BenchShape shape)
    {
        Tensor logits = randn([shape.Rows, Vocab]);
        Tensor gradient = empty_like(logits);
        Tensor targets = randint(0, Vocab, [shape.Rows], int32);
        CrossEntropyInputs<float> Inputs() => new()
        {
            Tokens = (int)shape.Rows,
            Vocab = Vocab,
            Logits = TensorRows.Dense(logits),
            LogitsStride = Vocab,
            Targets = (int*)targets.data_ptr(),
        };
        string text = (shape with { Channels = Vocab }).ToString();
        var forward = new KernelCase("head", "loss forward", text, () => CrossEntropy.Forward(Inputs(), default))
        {
            Elements = shape.Rows,
            Unit = "tokens",
            Bytes = shape.Rows * 4.0 * (Vocab + 1),
        };
        var backward = new KernelCase("head", "loss backward", text, () => CrossEntropy.Backward(Inputs(),
            new CrossEntropyGradients<float> { DLogits = TensorRows.Dense(gradient), DLogitsStride = Vocab, Scale = 1 }))
        {
            Elements = shape.Rows,
            Unit = "tokens",
            Bytes = shape.Rows * 4.0 * ((2 * Vocab) + 1),
        };
        return [forward, backward];
    }

    private static KernelCase Case(string kernel, string pass, BenchShape shape, double bytes, Action<int> run) => new(kernel, pass, shape.ToString(), () =>
    {
        for (int i = 0; i < shape.Directions; i++)
        {
            run(i);
        }
    })
    {
        Elements = shape.Elements,
        Bytes = bytes,
    };

    private static Tensor Random(BenchShape shape) => randn([shape.Batch, shape.Length, shape.Channels]);
}
