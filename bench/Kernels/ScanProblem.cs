using GenoSeq.Models.Kernels;

namespace GenoSeq.Benchmarks.Kernels;

/// <summary>
/// A scan as a Mamba block poses it: u and z are halves of one xz tensor, step sizes are dense, B and C lie beside each other in
/// a projection's output, and every gradient has its own tensor of the same layout.
/// </summary>
internal sealed unsafe class ScanProblem : IDisposable
{
    private readonly List<NativeFloats> _memory = [];
    private readonly SelectiveScanInputs<float> _inputs;
    private readonly SelectiveScanOutputs<float> _outputs;
    private readonly SelectiveScanGradients<float> _gradients;

    public ScanProblem(int batch, int length, int channels, int states)
    {
        Elements = (long)batch * length * channels;
        long rows = (long)batch * length;
        int rank = Math.Max(1, channels / 32);
        float* xz = Take(rows * 2 * channels, -1, 1);
        float* dxz = Take(rows * 2 * channels);
        int projected = rank + (2 * states);
        float* xdbl = Take(rows * projected, -1, 1);
        float* dxdbl = Take(rows * projected);
        Rows<float> Half(float* data, int half) => new(data + (half * channels), 2L * channels, (long)length * 2 * channels);
        Rows<float> Slice(float* data, int start) => new(data + start, projected, (long)length * projected);
        Rows<float> Dense(float low, float high) => Rows.Dense(Take(Elements, low, high), length, channels);
        _inputs = new SelectiveScanInputs<float>
        {
            Batch = batch,
            Length = length,
            Channels = channels,
            States = states,
            U = Half(xz, 0),
            Z = Half(xz, 1),
            Delta = Dense(-4, 1),
            A = Take((long)channels * states, -16, -1),
            B = Slice(xdbl, rank),
            C = Slice(xdbl, rank + states),
            D = Take(channels, -1, 1),
            DeltaBias = Take(channels, -1, 1),
            DeltaSoftplus = true,
        };
        float* checkpoints = Take(SelectiveScan.CheckpointSize(batch, length, channels, states));
        _outputs = new SelectiveScanOutputs<float> { Out = Dense(0, 0), Checkpoints = checkpoints };
        _gradients = new SelectiveScanGradients<float>
        {
            DOut = Dense(-1, 1),
            Checkpoints = checkpoints,
            DU = Half(dxz, 0),
            DZ = Half(dxz, 1),
            DDelta = Dense(0, 0),
            DB = Slice(dxdbl, rank),
            DC = Slice(dxdbl, rank + states),
            DA = Take((long)channels * states),
            DD = Take(channels),
            DDeltaBias = Take(channels),
        };
    }

    public long Elements { get; }

    public void Forward() => SelectiveScan.Forward(_inputs, _outputs);

    public void Backward() => SelectiveScan.Backward(_inputs, _gradients);

    public void Dispose() => _memory.ForEach(memory => memory.Dispose());

    private float* Take(long count, float low = 0f, float high = 0f)
    {
        var memory = new NativeFloats(count, low, high, _memory.Count + 1);
        _memory.Add(memory);
        return memory.Data;
    }
}
