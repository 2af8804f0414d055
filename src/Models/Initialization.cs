using GenoSeq.Models.Blocks;
using GenoSeq.Models.Mixers;
using GenoSeq.Models.Mixers.Convolution;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models;

/// <summary>Initial values that layers do not choose by themselves: those that depend on the whole model.</summary>
internal static class Initialization
{
    /// <summary>
    /// As the reference does: embedding N(0, initializer_range); output projections of each residual branch Kaiming-uniform
    /// (a = sqrt 5) over sqrt(branches * n_layer); attention and MLP weights N(0, initializer_range).
    /// </summary>
    internal static void Apply(SequenceModel model)
    {
        ModelConfig c = model.Config;
        nn.init.normal_(model.Embedding.weight, 0, c.InitializerRange);
        if (!model.Head.IsTied)
        {
            nn.init.normal_(model.Head.weight, 0, c.InitializerRange);
        }

        Layers(model.Layers, c);
        ZeroBiases(model);
    }

    private static void Layers(IEnumerable<Block> layers, ModelConfig c)
    {
        double branches = Math.Sqrt((c.Mlp is null ? 1 : 2) * c.NLayer);
        foreach (Block block in layers)
        {
            switch (block.Mixer)
            {
                case MambaMixer mamba when c.RescalePrenormResidual:
                    foreach (nn.Linear o in mamba.OutputProjections())
                    {
                        Rescaled(o.weight);
                    }

                    break;
                case RecurrentMixer { Fwd: Hyena } hyena:
                    nn.init.normal_(hyena.InProj!.weight, 0, c.InitializerRange);
                    Output(hyena.OutProj);
                    break;
                case RecurrentMixer recurrent when c.RescalePrenormResidual:
                    Rescaled(recurrent.OutProj.weight);
                    break;
                case AttentionMixer attention:
                    Attention(attention);
                    Output(attention.OutputProjection);
                    break;
                case SharedAttention shared:
                    Output(shared.OutProj);
                    if (shared.IsFirst)
                    {
                        Attention(shared.Shared.Attention);
                        foreach (nn.Linear l in new[] { shared.Shared.Attention.OutputProjection, shared.Shared.Mlp.Gate, shared.Shared.Mlp.Up, shared.Shared.Mlp.Down })
                        {
                            nn.init.normal_(l.weight, 0, c.InitializerRange);
                        }
                    }

                    break;
                case DynamicChunking chunking:
                    Layers(chunking.Layers, chunking.Network);
                    break;
            }

            switch (block.Mlp)
            {
                case SwiGlu gated:
                    Gated(gated);
                    break;
                case SparseMlp sparse:
                    nn.init.normal_(sparse.Router.weight, 0, c.InitializerRange);
                    foreach (SwiGlu expert in sparse.Experts)
                    {
                        Gated(expert);
                    }

                    break;
                case GeluMlp plain:
                    nn.init.normal_(plain.Fc1.weight, 0, c.InitializerRange);
                    Output(plain.Fc2);
                    break;
            }
        }

        void Gated(SwiGlu mlp)
        {
            nn.init.normal_(mlp.Gate.weight, 0, c.InitializerRange);
            nn.init.normal_(mlp.Up.weight, 0, c.InitializerRange);
            Output(mlp.Down);
        }

        void Attention(AttentionMixer attention)
        {
            foreach (nn.Linear l in attention.InputProjections())
            {
                nn.init.normal_(l.weight, 0, c.InitializerRange);
            }
        }

        void Rescaled(Tensor weight)
        {
            nn.init.kaiming_uniform_(weight, Math.Sqrt(5));
            Scale(weight, 1 / branches);
        }

        void Output(nn.Linear l) =>
            nn.init.normal_(l.weight, 0, c.InitializerRange / (c.RescalePrenormResidual ? branches : 1));
    }

    // Biases of linear layers start at zero, except dt_proj's, which holds the step sizes.
    private static void ZeroBiases(nn.Module model)
    {
        foreach ((string name, nn.Parameter p) in model.named_parameters())
        {
            bool linear = name.EndsWith("_proj.bias", StringComparison.Ordinal) || name.EndsWith("fc1.bias", StringComparison.Ordinal)
                || name.EndsWith("fc2.bias", StringComparison.Ordinal);
            if (linear && !name.EndsWith("dt_proj.bias", StringComparison.Ordinal))
            {
                nn.init.constant_(p, 0);
            }
        }
    }

    private static void Scale(Tensor t, double factor)
    {
        using IDisposable mode = no_grad();
        t.mul_(factor);
    }
}
