using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>
/// Random inputs of selective scans as a Mamba layer poses them: u and raw step sizes dense, B and C beside each other in the
/// rows of x_proj's output, A around its initial values (-1 to -16), and step sizes as Mamba starts: their biases are such that
/// softplus gives steps that are log-uniform between 0.001 and 0.1 over the channels.
/// </summary>
internal sealed class ScanProblem
{
    internal const int States = 16;

    private readonly Tensor[] _dProjected;

    /// <summary>Draws the inputs; they belong to the scope around.</summary>
    internal ScanProblem(BenchShape shape, ScalarType type, Device device)
    {
        Shape = shape;
        int rank = (((shape.Channels + 31) / 32) + 7) / 8 * 8;
        long[] rows = [shape.Batch, shape.Length, shape.Channels];
        Directions = new ScanDirection[shape.Directions];
        _dProjected = new Tensor[shape.Directions];
        (DB, DC) = (new Tensor[shape.Directions], new Tensor[shape.Directions]);
        for (int i = 0; i < shape.Directions; i++)
        {
            Tensor projected = randn([shape.Batch, shape.Length, rank + (2 * States)], type, device);
            Tensor a = arange(1, States + 1, dtype: float32, device: device).neg() * rand([shape.Channels, States], float32, device).add(0.5);
            Tensor step = rand([shape.Channels], float32, device).mul(Math.Log(100)).add(Math.Log(0.001)).exp();
            Directions[i] = new ScanDirection(
                randn(rows, type, device), randn(rows, type, device).mul(0.5), projected.narrow(2, rank, States), projected.narrow(2, rank + States, States),
                a, randn([shape.Channels], float32, device), (step.exp() - 1).log(), i % 2 == 1, null);
            _dProjected[i] = empty(projected.shape, type, device);
            DB[i] = _dProjected[i].narrow(2, rank, States);
            DC[i] = _dProjected[i].narrow(2, rank + States, States);
        }

        G = randn(rows, type, device);
    }

    internal BenchShape Shape { get; }

    internal ScanDirection[] Directions { get; }

    /// <summary>Gradient of the outputs, one for all directions as their gated sum has it.</summary>
    internal Tensor G { get; }

    /// <summary>Where gradients of B go.</summary>
    internal Tensor[] DB { get; }

    /// <summary>Where gradients of C go.</summary>
    internal Tensor[] DC { get; }

    /// <summary>Bytes of one element of the activations.</summary>
    private int Size => G.dtype.ElementSize();

    // u and delta in, y out; B and C.
    internal double ForwardBytes => (3.0 * Shape.Elements * Size) + StateRows;

    // A state every so many steps.
    internal double CheckpointBytes(int steps) => (double)Shape.Elements * Size * States / steps;

    // u, delta and their gradients, the outputs' gradient once; B, C and their gradients; checkpoints in.
    internal double BackwardBytes(int checkpointSteps) =>
        (4.0 * Shape.Elements * Size) + ((double)Shape.Rows * Shape.Channels * Size) + (2 * StateRows) + CheckpointBytes(checkpointSteps);

    internal double Exponentials => (double)Shape.Elements * States;

    private double StateRows => 2.0 * Shape.Directions * Shape.Rows * States * Size;
}
