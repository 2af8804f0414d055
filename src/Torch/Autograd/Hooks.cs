using System.Runtime.InteropServices;
using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

/// <summary>Tensor hooks: managed delegates that libtorch calls, kept alive by handles that it frees.</summary>
internal static unsafe class Hooks
{
    internal static IDisposable Register(torch.Tensor tensor, Func<torch.Tensor, torch.Tensor?> hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        var target = new TensorHook { Hook = hook };
        nint context = GCHandle.ToIntPtr(GCHandle.Alloc(target));
        uint id;
        // On failure the native side has already freed the context with the shared pointer it put it in.
        Status.Check(NativeMethods.gs_register_hook(tensor.Handle, &Call, &Free, context, &id), "register_hook",
            tensor);
        uint registered = id;
        return new Registration(() =>
        {
            // A graph may hold the hook when this wrapper of the tensor is gone, so the hook is silenced too.
            target.Hook = null;
            if (!tensor.IsDisposed)
            {
                Status.Check(NativeMethods.gs_remove_hook(tensor.Handle, registered), "remove_hook", tensor);
                GC.KeepAlive(tensor);
            }
        });
    }

    internal static IDisposable RegisterPostAccumulate(torch.Tensor leaf, Action hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        var target = new PostAccumulate { Hook = hook };
        nint context = GCHandle.ToIntPtr(GCHandle.Alloc(target));
        nint handle;
        Status.Check(NativeMethods.gs_post_accumulate_hook(leaf.Handle, &CallPost, &Free, context, &handle),
            "register_post_accumulate_grad_hook", leaf);
        GC.KeepAlive(leaf);
        nint accumulator = handle;
        return new Registration(() =>
        {
            // The accumulator lives on while a graph holds it, so the hook is silenced too.
            target.Hook = null;
            NativeMethods.gs_post_accumulate_release(accumulator);
        });
    }

    [UnmanagedCallersOnly]
    private static long Call(nint context, nint grad, nint* replacement)
    {
        try
        {
            using DisposeScope scope = torch.NewDisposeScope();
            var gradient = new torch.Tensor(grad);
            torch.Tensor? result = ((TensorHook)GCHandle.FromIntPtr(context).Target!).Hook?.Invoke(gradient);
            *replacement = result is null ? 0 : NativeMethods.gs_tensor_alias(result.Handle);
            GC.KeepAlive(result);
            return 0;
        }
#pragma warning disable CA1031 // nothing may cross the native frames: it is stored and rethrown behind them
        catch (Exception e)
        {
            return ManagedErrors.Store(e);
        }
#pragma warning restore CA1031
    }

    [UnmanagedCallersOnly]
    private static long CallPost(nint context)
    {
        try
        {
            using DisposeScope scope = torch.NewDisposeScope();
            ((PostAccumulate)GCHandle.FromIntPtr(context).Target!).Hook?.Invoke();
            return 0;
        }
#pragma warning disable CA1031 // as above
        catch (Exception e)
        {
            return ManagedErrors.Store(e);
        }
#pragma warning restore CA1031
    }

    [UnmanagedCallersOnly]
    private static void Free(nint context) => GCHandle.FromIntPtr(context).Free();

    private sealed class TensorHook
    {
        internal volatile Func<torch.Tensor, torch.Tensor?>? Hook;
    }

    private sealed class PostAccumulate
    {
        internal volatile Action? Hook;
    }

    private sealed class Registration(Action end) : IDisposable
    {
        private Action? _end = end;

        public void Dispose() => Interlocked.Exchange(ref _end, null)?.Invoke();
    }
}
