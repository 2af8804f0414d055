using GenoSeq.Models.Kernels;

namespace GenoSeq.Benchmarks.Kernels;

/// <summary>Convolution, norm, gate and loss over the same number of elements; the loss sees them as rows of 16 classes.</summary>
internal sealed unsafe class RowProblems : IDisposable
{
    private const int Vocab = 16;

    private readonly List<NativeFloats> _memory = [];
    private readonly int[] _targets;
    private readonly int _batch;
    private readonly int _length;
    private readonly int _channels;
    private readonly float* _x;
    private readonly float* _r;
    private readonly float* _y;
    private readonly float* _w;
    private readonly float* _dx;
    private readonly float* _weight;
    private readonly float* _dWeight;
    private readonly float* _rstd;

    public RowProblems(int batch, int length, int channels)
    {
        (_batch, _length, _channels) = (batch, length, channels);
        Elements = (long)batch * length * channels;
        _x = Take(Elements);
        _r = Take(Elements);
        _y = Take(Elements);
        _w = Take(Elements);
        _dx = Take(Elements);
        _weight = Take(5L * channels);
        _dWeight = Take(5L * channels);
        _rstd = Take((long)batch * length);
        _targets = GC.AllocateArray<int>((int)(Elements / Vocab), pinned: true);
        var random = new Random(3);
        for (int i = 0; i < _targets.Length; i++) _targets[i] = random.Next(Vocab);
    }

    public long Elements { get; }

    private CausalConvInputs<float> Conv => new()
    {
        Batch = _batch,
        Length = _length,
        Channels = _channels,
        Taps = 4,
        X = Rows.Dense(_x, _length, _channels),
        Weight = _weight,
        Bias = _weight + (4 * _channels),
        Silu = true,
    };

    private SwiGluInputs<float> Gate => new()
    {
        Batch = _batch,
        Length = _length,
        Channels = _channels,
        Gate = Rows.Dense(_x, _length, _channels),
        Up = Rows.Dense(_r, _length, _channels),
    };

    public void ConvForward() =>
        CausalConv.Forward(Conv, new CausalConvOutputs<float> { Out = Rows.Dense(_y, _length, _channels) });

    public void ConvBackward() => CausalConv.Backward(Conv, new CausalConvGradients<float>
    {
        DOut = Rows.Dense(_r, _length, _channels),
        DX = Rows.Dense(_dx, _length, _channels),
        DWeight = _dWeight,
        DBias = _dWeight + (4 * _channels),
    });

    public void NormForward() => RmsNorm.Forward(
        new RmsNormInputs<float>
        {
            Batch = _batch,
            Length = _length,
            Channels = _channels,
            X = Rows.Dense(_x, _length, _channels),
            Residual = Rows.Dense(_r, _length, _channels),
            Weight = _weight,
            Epsilon = 1e-5f,
        },
        new RmsNormOutputs<float>
        {
            Y = Rows.Dense(_y, _length, _channels),
            ResidualSum = Rows.Dense(_w, _length, _channels),
            Rstd = _rstd,
        });

    public void NormBackward() => RmsNorm.Backward(new RmsNormGradients<float>
    {
        Batch = _batch,
        Length = _length,
        Channels = _channels,
        ResidualSum = Rows.Dense(_w, _length, _channels),
        Weight = _weight,
        Rstd = _rstd,
        DY = Rows.Dense(_x, _length, _channels),
        DResidualSum = Rows.Dense(_r, _length, _channels),
        DX = Rows.Dense(_dx, _length, _channels),
        DWeight = _dWeight,
    });

    public void GateForward() => SwiGlu.Forward(Gate, Rows.Dense(_y, _length, _channels));

    public void GateBackward() => SwiGlu.Backward(Gate, new SwiGluGradients<float>
    {
        DOut = Rows.Dense(_y, _length, _channels),
        DGate = Rows.Dense(_w, _length, _channels),
        DUp = Rows.Dense(_dx, _length, _channels),
    });

    public void LossForward()
    {
        fixed (int* targets = _targets) CrossEntropy.Forward(Loss(targets), default);
    }

    public void LossBackward()
    {
        fixed (int* targets = _targets)
        {
            CrossEntropy.Backward(Loss(targets), new CrossEntropyGradients<float> { DLogits = _dx, DLogitsStride = Vocab, Scale = 1f });
        }
    }

    /// <summary>Copies two tensors: as much memory as the norm touches, so that caches help it no more than they help the norm.</summary>
    public void Copy() => KernelThreads.For(128, item =>
    {
        long part = Elements / 64;
        long start = item % 64 * part;
        float* source = item < 64 ? _x : _r;
        float* target = item < 64 ? _y : _w;
        new ReadOnlySpan<float>(source + start, (int)part).CopyTo(new Span<float>(target + start, (int)part));
    });

    public void Dispose() => _memory.ForEach(memory => memory.Dispose());

    private CrossEntropyInputs<float> Loss(int* targets) => new()
    {
        Tokens = _targets.Length,
        Vocab = Vocab,
        Logits = _x,
        LogitsStride = Vocab,
        Targets = targets,
    };

    private float* Take(long count)
    {
        var memory = new NativeFloats(count, -1, 1, _memory.Count + 1);
        _memory.Add(memory);
        return memory.Data;
    }
}
