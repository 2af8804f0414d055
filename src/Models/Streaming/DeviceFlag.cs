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
        _sent = device.Type == DeviceType.CUDA ? new cuda.Event(device.Index) : null;
        _flag = zeros([1], int32, device).DetachFromDisposeScope();
        _memory = _sent is null ? null : new PinnedMemory(sizeof(int), PinnedMemory.CurrentContext());
        _host = _memory?.AsTensor([1], int32).DetachFromDisposeScope() ?? _flag;
    }

    /// <summary>The flag, cleared: i32 [1], which kernels set to 1. What was sent before must have been read.</summary>
    internal Tensor Clear() => _flag.zero_();

    /// <summary>Sends the flag to the host when what was queued until now has run.</summary>
    internal void Send()
    {
        if (_memory is not null)
        {
            _host.copy_(_flag, _memory.IsPinned);
            _sent!.record();
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
        try
        {
            // A copy may be under way to memory that is given back.
            _sent?.synchronize();
        }
        catch (TorchException)
        {
            // The device has failed: whoever used it last says so.
        }

        _sent?.Dispose();
        _host.Dispose();
        _memory?.Dispose();
        _flag.Dispose();
    }
}
