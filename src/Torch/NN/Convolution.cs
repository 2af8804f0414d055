namespace GenoSeq.Torch;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Convolution along the last dimension.</summary>
        public sealed class Conv1d : Module
        {
            /// <summary>Creates the layer with torch's default initialisation (uniform, bound 1/sqrt(in * kernel)).</summary>
            /// <param name="in_channels">Channels of the input.</param>
            /// <param name="out_channels">Channels of the output.</param>
            /// <param name="kernel_size">Positions that one output looks at.</param>
            public Conv1d(long in_channels, long out_channels, long kernel_size)
            {
                weight = register_parameter("weight", new Parameter(empty([out_channels, in_channels, kernel_size])));
                init.kaiming_uniform_(weight, Math.Sqrt(5));
                bias = register_parameter("bias", new Parameter(empty([out_channels])) { NoWeightDecay = true });
                double bound = 1 / Math.Sqrt(in_channels * kernel_size);
                init.uniform_(bias, -bound, bound);
            }

            /// <summary>[out_channels, in_channels, kernel_size].</summary>
            public Parameter weight { get; }

            /// <summary>[out_channels].</summary>
            public Parameter bias { get; }

            /// <summary>x [batch, in_channels, length] to [batch, out_channels, length - kernel_size + 1].</summary>
            public Tensor forward(Tensor x) => functional.conv1d(x, weight, bias);
        }

        /// <summary>Batch normalisation of channels (Ioffe and Szegedy 2015), with torch's momentum 0.1 and epsilon 1e-5.</summary>
        public sealed class BatchNorm1d : Module
        {
            /// <summary>Creates the layer: scale 1, offset 0, running mean 0 and variance 1.</summary>
            /// <param name="num_features">Channels.</param>
            public BatchNorm1d(long num_features)
            {
                weight = register_parameter("weight", new Parameter(ones([num_features])) { NoWeightDecay = true });
                bias = register_parameter("bias", new Parameter(zeros([num_features])) { NoWeightDecay = true });
                running_mean = register_buffer("running_mean", zeros([num_features]));
                running_var = register_buffer("running_var", ones([num_features]));
            }

            /// <summary>Scale [num_features].</summary>
            public Parameter weight { get; }

            /// <summary>Offset [num_features].</summary>
            public Parameter bias { get; }

            /// <summary>Mean of training batches so far [num_features]; a buffer.</summary>
            public Tensor running_mean { get; }

            /// <summary>Variance of training batches so far [num_features]; a buffer.</summary>
            public Tensor running_var { get; }

            /// <summary>x [batch, num_features, length] to the same shape; moments of the batch in training, running ones else.</summary>
            public Tensor forward(Tensor x) => functional.batch_norm(x, running_mean, running_var, weight, bias, training);
        }
    }
}
