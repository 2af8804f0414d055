using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

public static unsafe partial class torch
{
    /// <summary>True when operations on this thread record what a backward pass needs.</summary>
    public static bool is_grad_enabled() => NativeMethods.gs_grad_mode() != 0;

    /// <summary>No gradients on this thread until the result is disposed.</summary>
    public static IDisposable no_grad() => new GradMode(false);

    /// <summary>Gradients on this thread until the result is disposed.</summary>
    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);

    /// <summary>Like <see cref="no_grad"/>, and what is made can never take part in autograd: the fastest mode.</summary>
    public static IDisposable inference_mode() => new InferenceMode();

    /// <summary>Seeds every generator, of the host and of all devices.</summary>
    public static void manual_seed(long seed) => Status.Check(NativeMethods.gs_manual_seed(seed));

    /// <summary>The state of a device's default generator, as bytes.</summary>
    public static Tensor get_rng_state(Device? device = null)
    {
        Device d = device ?? Device.CPU;
        nint state;
        Status.Check(NativeMethods.gs_rng_state((int)d.Type, d.Index, &state));
        return new Tensor(state);
    }

    /// <summary>Restores a state that <see cref="get_rng_state"/> gave.</summary>
    public static void set_rng_state(Tensor state, Device? device = null)
    {
        Device d = device ?? Device.CPU;
        Status.Check(NativeMethods.gs_set_rng_state((int)d.Type, d.Index, state.Handle), "set_rng_state", state);
        GC.KeepAlive(state);
    }

    /// <summary>Threads that libtorch's own operators use.</summary>
    public static int get_num_threads() => NativeMethods.gs_num_threads();

    /// <summary>Threads that OpenBLAS multiplies matrices with on the CPU; 0 where libtorch multiplies with another library.</summary>
    public static int get_blas_threads() => NativeMethods.gs_blas_threads();

    /// <summary>Sets the threads that libtorch's own operators use, and OpenBLAS where it is there.</summary>
    public static void set_num_threads(int n)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        Status.Check(NativeMethods.gs_set_num_threads(n));
    }

    private sealed class GradMode : IDisposable
    {
        private readonly bool _before = is_grad_enabled();
        private bool _ended;

        internal GradMode(bool enabled) => NativeMethods.gs_set_grad_mode(enabled ? 1 : 0);

        public void Dispose()
        {
            if (!_ended)
            {
                _ended = true;
                NativeMethods.gs_set_grad_mode(_before ? 1 : 0);
            }
        }
    }

    private sealed class InferenceMode : IDisposable
    {
        private nint _guard = NativeMethods.gs_inference_enter();

        public void Dispose()
        {
            if (_guard != 0)
            {
                NativeMethods.gs_inference_leave(_guard);
                _guard = 0;
            }
        }
    }
}
