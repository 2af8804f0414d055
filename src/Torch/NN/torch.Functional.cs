namespace GenoSeq.Torch;

#pragma warning disable CS1591 // the names are torch's, documented there
public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Functions without state. Arguments and semantics are torch's.</summary>
        public static class functional
        {
            /// <summary>input [..., in] times weight [out, in] transposed, plus bias [out].</summary>
            public static Tensor linear(Tensor input, Tensor weight, Tensor? bias = null) =>
                Ops.Linear.Call(input, weight, bias);

            /// <summary>Rows of weight [vocab, d] at ids [...]: [..., d].</summary>
            public static Tensor embedding(Tensor ids, Tensor weight) => Ops.Embedding.Call(weight, ids);

            public static Tensor relu(Tensor x) => Ops.Relu.Call(x);

            public static Tensor silu(Tensor x) => Ops.Silu.Call(x);

            public static Tensor softplus(Tensor x) => Ops.Softplus.Call(x);

            public static Tensor gelu(Tensor x, string approximate = "none") => Ops.Gelu.Call(x, approximate);

            public static Tensor softmax(Tensor x, long dim) => x.softmax(dim);

            /// <summary>Grouped 1-d convolution of input [batch, channels, length] with weight [out, in/groups, kernel].</summary>
            public static Tensor conv1d(Tensor input, Tensor weight, Tensor? bias = null, long stride = 1,
                long padding = 0, long dilation = 1, long groups = 1) =>
                Ops.Conv1d.Call(input, weight, bias, new[] { stride }, new[] { padding }, new[] { dilation }, groups);

            /// <summary>
            /// Input [batch, channels] or [batch, channels, length] brought to mean 0 and variance 1 of each channel: of the batch
            /// in training, when the running moments [channels] move towards them by the momentum; else of the running moments.
            /// </summary>
            public static Tensor batch_norm(Tensor input, Tensor running_mean, Tensor running_var, Tensor? weight = null,
                Tensor? bias = null, bool training = false, double momentum = 0.1, double eps = 1e-5) =>
                Ops.BatchNorm.Call(input, weight, bias, running_mean, running_var, training, momentum, eps, false);

            /// <summary>Largest value of each window of input [batch, channels, length]; what does not fill a window is left out.</summary>
            public static Tensor max_pool1d(Tensor input, long kernel_size, long stride = 0) =>
                Ops.MaxPool1d.Call(input, new[] { kernel_size }, new[] { stride == 0 ? kernel_size : stride });

            /// <summary>Mean cross-entropy of logits [n, vocab] at targets [n] (int64; <paramref name="ignore_index"/> ignored).</summary>
            public static Tensor cross_entropy(Tensor logits, Tensor target, long ignore_index = -100) =>
                Ops.CrossEntropy.Call(logits, target, Arg.None, 1L, ignore_index);

            /// <summary>True when this libtorch has fused attention (2.0 and later).</summary>
            public static bool has_scaled_dot_product_attention => Ops.Attention.Exists;

            /// <summary>Attention of q, k, v [batch, n_head, length, d_head]; needs libtorch 2.</summary>
            public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value,
                Tensor? attn_mask = null, double p = 0, bool is_causal = false) =>
                Ops.Attention.Call(query, key, value, attn_mask, p, is_causal);
        }

        /// <summary>Ways to fill a parameter, in place, from the default generator.</summary>
        public static class init
        {
            public static Tensor normal_(Tensor t, double mean = 0, double std = 1) => Quietly(t, () => t.normal_(mean, std));

            public static Tensor uniform_(Tensor t, double low = 0, double high = 1) => Quietly(t, () => t.uniform_(low, high));

            public static Tensor constant_(Tensor t, double value) => Quietly(t, () => t.fill_(value));

            /// <summary>
            /// U(-b, b) with b = sqrt(6 / ((1 + a^2) fan_in)) (He et al. 2015); fan_in = product of all but the first
            /// dimension. With a = sqrt 5, b = 1/sqrt(fan_in): what torch's Linear and Conv start from.
            /// </summary>
            public static Tensor kaiming_uniform_(Tensor t, double a = 0)
            {
                long fan = t.numel() / t.size(0);
                double bound = Math.Sqrt(6.0 / ((1 + (a * a)) * fan));
                return uniform_(t, -bound, bound);
            }

            private static Tensor Quietly(Tensor t, Action fill)
            {
                using (no_grad())
                {
                    fill();
                }

                return t;
            }
        }
    }
}
