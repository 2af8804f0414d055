using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Streaming;

/// <summary>A flag that kernels set and the host reads later, without waiting for what was queued since.</summary>
internal sealed class DeviceFlag : IDisposable
{
    private readonly Tensor _flag;
    private readonly PinnedMemory? _memory;
    private readonly Tensor _host;
    private readonly cuda.Event? _sent;

    /// <summary>A flag that is not set.</summary>
    /// <param name="device">Where kernels set it.</param>
    internal DeviceFlag(Device device)
    {
        _flag = zeros([1], int32, device).DetachFromDisposeScope();
        if (device.Type == DeviceType.CUDA)
        {
            _memory = new PinnedMemory(sizeof(int), PinnedMemory.CurrentContext());
            _host = _memory.AsTensor([1], int32).DetachFromDisposeScope();
            _sent = new cuda.Event();
        }
        else
        {
            _host = _flag;
        }
    }

    /// <summary>The flag, cleared: i32 [1], which kernels set to 1.</summary>
    internal Tensor Clear() => _flag.zero_();

    /// <summary>Sends the flag to the host when what was queued until now has run.</summary>
    internal void Send()
    {
        if (_memory is not null)
        {
            _host.copy_(_flag, _memory.IsPinned);
            _sent!.record((int)_flag.device.Index);
        }
    }

    /// <summary>What was sent last.</summary>
    internal bool IsSet()
    {
        _sent?.synchronize();
        return _host.AsSpan<int>()[0] != 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sent?.synchronize();
        _sent?.Dispose();
        _host.Dispose();
        _memory?.Dispose();
        _flag.Dispose();
    }
}
