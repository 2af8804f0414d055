using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Streaming;

/// <summary>The stream of a model on the host: in memory as far as the limit goes, the rest in a file.</summary>
internal sealed class HostSumStore : SumStore
{
    private readonly ChunkPlan _plan;
    private readonly int _width;
    private readonly int _inMemory;
    private readonly Tensor?[] _chunks;
    private readonly SpillFile? _file;
    private readonly ScalarType _type;

    /// <summary>Reserves room.</summary>
    /// <param name="plan">The chunks.</param>
    /// <param name="width">d_model.</param>
    /// <param name="type">Element type.</param>
    /// <param name="bytes">Memory to use.</param>
    /// <param name="scratch">Folder of the file.</param>
    internal HostSumStore(ChunkPlan plan, int width, ScalarType type, long bytes, string? scratch)
    {
        _plan = plan;
        _width = width;
        _type = type;
        long chunk = (long)plan.Chunk * width * type.ElementSize();
        _inMemory = (int)Math.Clamp(bytes / chunk, 0, plan.Count);
        _chunks = new Tensor?[_inMemory];
        // From the first layer on chunks in memory are read last and first in turn; which ones are there makes no difference.
        _file = _inMemory < plan.Count ? new SpillFile(scratch, chunk, plan.Count - _inMemory) : null;
    }

    internal override Tensor New(int chunk) => empty([1, _plan.Size(chunk), _width], _type).DetachFromDisposeScope();

    internal override Tensor Take(int chunk, int? then)
    {
        if (chunk < _inMemory)
        {
            Tensor kept = _chunks[chunk]!;
            _chunks[chunk] = null;
            return kept;
        }

        Tensor sum = New(chunk);
        _file!.Read(chunk - _inMemory, sum);
        return sum;
    }

    internal override void Put(int chunk, Tensor sum)
    {
        if (chunk < _inMemory)
        {
            _chunks[chunk] = sum;
            return;
        }

        _file!.Write(chunk - _inMemory, sum);
        sum.Dispose();
    }

    public override void Dispose()
    {
        Array.ForEach(_chunks, c => c?.Dispose());
        _file?.Dispose();
    }
}
