namespace GenoSeq.Torch;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>y = x W^T + b over the last dimension.</summary>
        public sealed class Linear : Module
        {
            /// <summary>Creates the layer with torch's default initialisation (uniform, bound 1/sqrt(in)).</summary>
            /// <param name="in_features">Width of the input.</param>
            /// <param name="out_features">Width of the output.</param>
            /// <param name="hasBias">Whether there is a bias.</param>
            public Linear(long in_features, long out_features, bool hasBias = false)
            {
                weight = register_parameter("weight", new Parameter(empty([out_features, in_features])));
                init.kaiming_uniform_(weight, Math.Sqrt(5));
                if (hasBias)
                {
                    bias = register_parameter("bias", new Parameter(empty([out_features])) { NoWeightDecay = true });
                    double bound = 1 / Math.Sqrt(in_features);
                    init.uniform_(bias, -bound, bound);
                }
            }

            /// <summary>A layer whose parameters are another's.</summary>
            /// <param name="tied">The layer that owns them.</param>
            public Linear(Linear tied)
            {
                ArgumentNullException.ThrowIfNull(tied);
                weight = register_parameter("weight", tied.weight);
                bias = tied.bias is null ? null : register_parameter("bias", tied.bias);
            }

            /// <summary>[out_features, in_features].</summary>
            public Parameter weight { get; }

            /// <summary>[out_features], or null.</summary>
            public Parameter? bias { get; }

            /// <summary>x [..., in_features] to [..., out_features].</summary>
            public Tensor forward(Tensor x) => functional.linear(x, weight, bias);
        }

        /// <summary>A table of rows.</summary>
        public sealed class Embedding : Module
        {
            /// <summary>Creates the table, standard normal as torch does.</summary>
            public Embedding(long num_embeddings, long embedding_dim)
            {
                weight = register_parameter("weight", new Parameter(empty([num_embeddings, embedding_dim])));
                init.normal_(weight);
            }

            /// <summary>[num_embeddings, embedding_dim].</summary>
            public Parameter weight { get; }

            /// <summary>ids [...] (int32 or int64) to [..., embedding_dim].</summary>
            public Tensor forward(Tensor ids) => functional.embedding(ids, weight);
        }
    }
}
