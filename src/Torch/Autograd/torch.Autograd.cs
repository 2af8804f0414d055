using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

public static partial class torch
{
    public partial class Tensor
    {
        /// <summary>Accumulates into <c>.grad</c> of every leaf the gradient of this tensor.</summary>
        /// <param name="gradient">Gradient of the tensor; may be null for a scalar.</param>
        /// <param name="retain_graph">Keep the graph for another pass.</param>
        public void backward(Tensor? gradient = null, bool retain_graph = false) =>
            autograd.backward([this], [gradient], retain_graph);

        /// <summary>
        /// Calls <paramref name="hook"/> with the tensor's gradient when it is known; a result other than null replaces it.
        /// The gradient passed in is the hook's to keep only until it returns. May run on one of libtorch's threads.
        /// </summary>
        /// <returns>Dispose it to remove the hook.</returns>
        public IDisposable register_hook(Func<Tensor, Tensor?> hook) => Hooks.Register(this, hook);

        /// <summary>Calls <paramref name="hook"/> after this leaf's gradient has been accumulated into <c>.grad</c>.</summary>
        /// <returns>Dispose it to end the calls.</returns>
        public IDisposable register_post_accumulate_grad_hook(Action hook) => Hooks.RegisterPostAccumulate(this, hook);
    }

    /// <summary>Automatic differentiation.</summary>
    public static unsafe partial class autograd
    {
        /// <summary>Accumulates gradients of several tensors into the leaves.</summary>
        /// <param name="tensors">Tensors to differentiate.</param>
        /// <param name="grad_tensors">Their gradients; null entries only for scalars.</param>
        /// <param name="retain_graph">Keep the graph for another pass.</param>
        /// <param name="create_graph">Make the gradients differentiable.</param>
        /// <exception cref="TorchException">libtorch refused; exceptions of C# callbacks come out as they are.</exception>
        public static void backward(Tensor[] tensors, Tensor?[]? grad_tensors = null, bool retain_graph = false,
            bool create_graph = false)
        {
            Tensor?[] grads = grad_tensors ?? new Tensor?[tensors.Length];
            RequireOneEach(tensors, grads, nameof(grad_tensors));
            int n = tensors.Length;
            var handles = new nint[(2 * n) + 1];
            for (int k = 0; k < n; k++)
            {
                handles[k] = tensors[k].Handle;
                handles[n + k] = grads[k]?.Handle ?? 0;
            }

            int status;
            fixed (nint* p = handles)
            {
                status = NativeMethods.gs_backward(p, n, p + n, retain_graph ? 1 : 0, create_graph ? 1 : 0, null, 0);
            }

            GC.KeepAlive(tensors);
            GC.KeepAlive(grads);
            Status.Check(status, "backward", tensors);
        }

        /// <summary>Gradients of outputs with respect to inputs, without touching any <c>.grad</c>.</summary>
        /// <param name="outputs">Tensors to differentiate.</param>
        /// <param name="inputs">Tensors to differentiate with respect to.</param>
        /// <param name="grad_outputs">Gradients of the outputs; null entries only for scalars.</param>
        /// <param name="retain_graph">Keep the graph for another pass.</param>
        /// <param name="create_graph">Make the gradients differentiable.</param>
        /// <param name="allow_unused">Null in place of an error for an input that no output depends on.</param>
        public static Tensor?[] grad(Tensor[] outputs, Tensor[] inputs, Tensor?[]? grad_outputs = null,
            bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            Tensor?[] grads = grad_outputs ?? new Tensor?[outputs.Length];
            RequireOneEach(outputs, grads, nameof(grad_outputs));
            int n = outputs.Length;
            int m = inputs.Length;
            var handles = new nint[(2 * n) + (2 * m) + 1];
            for (int k = 0; k < n; k++)
            {
                handles[k] = outputs[k].Handle;
                handles[n + k] = grads[k]?.Handle ?? 0;
            }

            for (int k = 0; k < m; k++)
            {
                handles[(2 * n) + k] = inputs[k].Handle;
            }

            int status;
            fixed (nint* p = handles)
            {
                status = NativeMethods.gs_grad(p, n, p + (2 * n), m, p + n, retain_graph ? 1 : 0, create_graph ? 1 : 0,
                    allow_unused ? 1 : 0, p + (2 * n) + m);
            }

            GC.KeepAlive(outputs);
            GC.KeepAlive(inputs);
            GC.KeepAlive(grads);
            Status.Check(status, "grad", outputs);
            var result = new Tensor?[m];
            for (int k = 0; k < m; k++)
            {
                nint g = handles[(2 * n) + m + k];
                result[k] = g == 0 ? null : new Tensor(g);
            }

            return result;
        }

        private static void RequireOneEach(Tensor[] tensors, Tensor?[] grads, string name)
        {
            if (tensors.Length != grads.Length)
            {
                throw new ArgumentException($"{grads.Length} gradients for {tensors.Length} tensors", name);
            }
        }
    }
}
