using GenoSeq.Models.Streaming;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Inference.Streaming;

/// <summary>
/// The stream of a model on a GPU: as many chunks as fit stay in its memory, the next ones in pinned host memory, the rest in a file.
/// Copies from and to the host run beside the computation, both ways at once.
/// </summary>
/// <remarks>
/// Chunks from the host live in a ring of three slots: one is computed on, one is being filled with the next chunk, one is being
/// copied back. Each slot has a queue of its own for the way back, so that filling it again waits for that copy alone.
/// Chunks that stay are the first and the last, where sweeps turn and nothing could be fetched ahead, and others spread evenly between, so
/// that the link always has something to do.
/// </remarks>
internal sealed class DeviceSumStore : SumStore
{
    private const int Slots = 3;

    /// <summary>Blocks that are pinned at a time: the system clears their pages, one processor a block.</summary>
    private static readonly int Pinning = Math.Clamp(Environment.ProcessorCount / 2, 2, 8);

    private readonly ChunkPlan _plan;
    private readonly int _width;
    private readonly ScalarType _type;
    private readonly Device _device;
    private readonly int[] _host;
    private readonly Tensor?[] _resident;
    private readonly Task<PinnedMemory>?[] _blocks;
    private readonly CancellationTokenSource _stop = new();
    private readonly Tensor[] _ring;
    private readonly cuda.Stream _in;
    private readonly cuda.Stream[] _out;
    private readonly SpillFile? _file;
    private readonly int _inMemory;
    private int _next;
    private (int Chunk, int Slot)? _ahead;
    private int _current;

    /// <summary>Reserves room; host memory is pinned while the first layer is computed.</summary>
    /// <param name="plan">The chunks.</param>
    /// <param name="width">d_model.</param>
    /// <param name="type">Element type.</param>
    /// <param name="device">The GPU.</param>
    /// <param name="residentBytes">Of the GPU's memory, for chunks that stay there.</param>
    /// <param name="hostBytes">Of the host's memory.</param>
    /// <param name="scratch">Folder of the file.</param>
    /// <param name="fromEnd">The first sweep takes chunks from the last to the first: memory is pinned in that order, so that none waits for another's.</param>
    internal DeviceSumStore(ChunkPlan plan, int width, ScalarType type, Device device, long residentBytes, long hostBytes, string? scratch, bool fromEnd)
    {
        (_plan, _width, _type, _device) = (plan, width, type, device);
        long chunk = (long)plan.Chunk * width * type.ElementSize();
        int count = plan.Count;
        int resident = (int)Math.Clamp(residentBytes / chunk, 0, count);
        _resident = new Tensor?[count];
        _host = new int[count];
        int hosted = 0;
        foreach (int c in plan.Order(fromEnd))
        {
            _host[c] = Stays(c, resident, count) ? -1 : hosted++;
        }

        _inMemory = (int)Math.Clamp(hostBytes / chunk, 0, hosted);
        _file = _inMemory < hosted ? new SpillFile(scratch, chunk, hosted - _inMemory) : null;
        _ring = hosted == 0 ? [] : [.. Enumerable.Range(0, Slots).Select(_ => empty([1, plan.Chunk, width], type, device).DetachFromDisposeScope())];
        _in = new cuda.Stream(device.Index);
        _out = [.. Enumerable.Range(0, Slots).Select(_ => new cuda.Stream(device.Index))];
        _blocks = new Task<PinnedMemory>?[_inMemory];
        nint context = _inMemory > 0 ? PinnedMemory.CurrentContext() : 0;
        for (int b = 0; b < _inMemory; b++)
        {
            Task after = b < Pinning ? Task.CompletedTask : _blocks[b - Pinning]!;
            _blocks[b] = Pin(after, chunk, context, _stop.Token);
        }
    }

    internal override Tensor New(int chunk)
    {
        if (_host[chunk] < 0)
        {
            return empty([1, _plan.Size(chunk), _width], _type, _device).DetachFromDisposeScope();
        }

        _current = Slot();
        Compute.wait_stream(_out[_current]);
        return Part(_ring[_current], chunk);
    }

    internal override Tensor Take(int chunk, int? then)
    {
        Tensor? sum = null;
        if (_host[chunk] < 0)
        {
            sum = _resident[chunk]!;
            _resident[chunk] = null;
        }
        else
        {
            if (_ahead is not { } ready || ready.Chunk != chunk)
            {
                Fetch(chunk);
            }

            _current = _ahead!.Value.Slot;
            _ahead = null;
            Compute.wait_stream(_in);
            sum = Part(_ring[_current], chunk);
        }

        if (then is { } next && _host[next] >= 0 && _ahead is null)
        {
            Fetch(next);
        }

        return sum;
    }

    internal override void Put(int chunk, Tensor sum)
    {
        int place = _host[chunk];
        if (place < 0)
        {
            _resident[chunk] = sum;
            return;
        }

        cuda.Stream way = _out[_current];
        way.wait_stream(Compute);
        using (cuda.stream(way))
        {
            if (place < _inMemory)
            {
                PinnedMemory block = _blocks[place]!.GetAwaiter().GetResult();
                using Tensor to = block.AsTensor(sum.shape, _type);
                to.copy_(sum, block.IsPinned);
            }
            else
            {
                using Tensor host = sum.cpu();
                _file!.Write(place - _inMemory, host);
            }
        }

        sum.Dispose();
    }

    internal override void EndSweep()
    {
        // What is read from now on must have been written.
        Array.ForEach(_out, _in.wait_stream);
        _ahead = null;
    }

    public override void Dispose()
    {
        _stop.Cancel();
        if (_ring.Length > 0)
        {
            _in.synchronize();
            Array.ForEach(_out, o => o.synchronize());
        }

        foreach (Task<PinnedMemory>? block in _blocks)
        {
            ((IAsyncResult)block!).AsyncWaitHandle.WaitOne();
            if (block.IsCompletedSuccessfully)
            {
                block.Result.Dispose();
            }
        }

        Array.ForEach(_resident, r => r?.Dispose());
        Array.ForEach(_ring, r => r.Dispose());
        Array.ForEach(_out, o => o.Dispose());
        _in.Dispose();
        _file?.Dispose();
        _stop.Dispose();
    }

    private cuda.Stream Compute => cuda.Stream.current(_device.Index);

    private int Slot()
    {
        int slot = _next;
        _next = (_next + 1) % Slots;
        return slot;
    }

    private void Fetch(int chunk)
    {
        int slot = Slot();
        int place = _host[chunk];
        // The slot's last chunk must be done with, and copied back where it was put back.
        _in.wait_stream(Compute);
        _in.wait_stream(_out[slot]);
        using (cuda.stream(_in))
        {
            using Tensor to = Part(_ring[slot], chunk);
            if (place < _inMemory)
            {
                PinnedMemory block = _blocks[place]!.GetAwaiter().GetResult();
                using Tensor from = block.AsTensor(to.shape, _type);
                to.copy_(from, block.IsPinned);
            }
            else
            {
                _out[slot].synchronize();
                using Tensor host = empty(to.shape, _type);
                _file!.Read(place - _inMemory, host);
                to.copy_(host);
            }
        }

        _ahead = (chunk, slot);
    }

    // Contiguous also where the last chunk is shorter.
    private Tensor Part(Tensor slot, int chunk)
    {
        using Tensor flat = slot.view(-1);
        using Tensor own = flat.narrow(0, 0, (long)_plan.Size(chunk) * _width);
        return own.view(1, _plan.Size(chunk), _width).DetachFromDisposeScope();
    }

    // As many as there is room for; of one the last, where the first sweep of an even number of layers begins and the second one turns.
    private static bool Stays(int chunk, int resident, int count)
    {
        bool turns = chunk == count - 1 || (chunk == 0 && resident > 1);
        long between = Math.Max(0, resident - 2);
        return turns ? resident > 0 : chunk * between / Math.Max(1, count - 2) > (chunk - 1) * between / Math.Max(1, count - 2);
    }

    private static async Task<PinnedMemory> Pin(Task after, long bytes, nint context, CancellationToken stop)
    {
        await after.ConfigureAwait(false);
        return await Task.Run(() => new PinnedMemory(bytes, context), stop).ConfigureAwait(false);
    }
}
