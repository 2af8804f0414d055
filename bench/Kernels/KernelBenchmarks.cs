using BenchmarkDotNet.Attributes;

namespace GenoSeq.Benchmarks.Kernels;

/// <summary>Selective scan at batch 2, length 4096, d_inner 512, d_state 16.</summary>
public class ScanBenchmarks
{
    private ScanProblem? _scan;

    [GlobalSetup]
    public void Setup() => _scan = new ScanProblem(2, 4096, 512, 16);

    [GlobalCleanup]
    public void Cleanup() => _scan!.Dispose();

    [Benchmark]
    public void Forward() => _scan!.Forward();

    [Benchmark]
    public void ForwardAndBackward()
    {
        _scan!.Forward();
        _scan!.Backward();
    }
}

/// <summary>The memory-bound kernels at batch 2, length 4096, 512 channels; the loss over as many logits of 16 classes.</summary>
public class RowBenchmarks
{
    private RowProblems? _rows;

    [GlobalSetup]
    public void Setup() => _rows = new RowProblems(2, 4096, 512);

    [GlobalCleanup]
    public void Cleanup() => _rows!.Dispose();

    [Benchmark]
    public void ConvForward() => _rows!.ConvForward();

    [Benchmark]
    public void ConvBackward() => _rows!.ConvBackward();

    [Benchmark]
    public void NormForward() => _rows!.NormForward();

    [Benchmark]
    public void NormBackward() => _rows!.NormBackward();

    [Benchmark]
    public void LossForward() => _rows!.LossForward();

    [Benchmark]
    public void LossBackward() => _rows!.LossBackward();
}
