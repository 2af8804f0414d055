namespace GenoSeq.Torch;

public static partial class torch
{
    /// <summary>torch.utils.</summary>
    public static class utils
    {
        /// <summary>Recomputation in place of storage (Chen et al. 2016, "Training deep nets with sublinear memory cost").</summary>
        public static class checkpoint
        {
            /// <summary>
            /// Runs <paramref name="body"/> without keeping what its backward needs: backward runs it again. The body must
            /// be deterministic (no dropout), and gradients of parameters that it uses are accumulated by that second run.
            /// </summary>
            /// <param name="body">The computation; its results must be tensors it made.</param>
            /// <param name="inputs">
            /// What it is a function of. At least one must require a gradient, or nothing is differentiated.
            /// </param>
            public static Tensor[] run(Func<Tensor?[], Tensor[]> body, params Tensor?[] inputs) =>
                Array.ConvertAll(new Recompute(body).apply(inputs), t => t!);
        }
    }

    private sealed class Recompute(Func<Tensor?[], Tensor[]> body) : autograd.Function
    {
        private int _inputs;

        protected override string Name => "Checkpoint";

        protected override Tensor?[] forward(Tensor?[] inputs)
        {
            _inputs = inputs.Length;
            save_for_backward(inputs);
            return body(inputs);
        }

        protected override Tensor?[] backward(Tensor?[] grad_outputs)
        {
            var inputs = new Tensor?[_inputs];
            for (int k = 0; k < _inputs; k++)
            {
                inputs[k] = saved(k)?.detach();
                if (inputs[k] is { } t && NeedsInputGrad(k))
                {
                    t.requires_grad = true;
                }
            }

            Tensor[] outputs;
            using (enable_grad())
            {
                outputs = body(inputs);
            }

            var roots = new List<Tensor>();
            var grads = new List<Tensor?>();
            for (int k = 0; k < outputs.Length; k++)
            {
                if (grad_outputs[k] is { } g && outputs[k].requires_grad)
                {
                    roots.Add(outputs[k]);
                    grads.Add(g);
                }
            }

            if (roots.Count > 0)
            {
                autograd.backward([.. roots], [.. grads]);
            }

            return Array.ConvertAll(inputs, t => t is { requires_grad: true } ? t.grad : null);
        }
    }
}
