using GenoSeq.Models.Stepping;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Generation;

/// <summary>
/// Steps of a sampler, on a GPU as a CUDA graph: a step is some dozens of kernels shorter than their launches, and a graph launches them at
/// once. What changes from step to step lies in the device's memory.
/// </summary>
internal sealed class SampledSteps(TokenSampler sampler, Device device, int warmUp, Action<string>? say) : IDisposable
{
    private cuda.CUDAGraph? _graph;
    private int _steps;
    private bool _failed = device.Type != DeviceType.CUDA;

    /// <summary>Steps are replayed as a graph.</summary>
    internal bool IsCaptured => _graph is not null;

    /// <summary>Runs steps; does not wait for the device.</summary>
    internal void Run(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            // Kernels are compiled in the first steps.
            if (!_failed && _graph is null && _steps >= warmUp)
            {
                Capture();
            }

            _steps++;
            if (_graph is null)
            {
                sampler.Next();
                continue;
            }

            sampler.Counted();
            _graph.replay();
        }
    }

    /// <summary>Memory has moved: what was captured is of no use.</summary>
    internal void Forget()
    {
        _graph?.Dispose();
        _graph = null;
    }

    public void Dispose() => Forget();

    private void Capture()
    {
        _graph = new cuda.CUDAGraph(Math.Max(device.Index, 0));
        try
        {
            cuda.graph(_graph, sampler.Work, capture_error_mode: CaptureErrorMode.ThreadLocal);
        }
        catch (TorchException e)
        {
            Forget();
            _failed = true;
            say?.Invoke($"steps could not be captured as a CUDA graph and run one by one: {e.Message}");
        }
    }
}
