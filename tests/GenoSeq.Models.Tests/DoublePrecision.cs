using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Tests;

/// <summary>Models in double precision, and their gradients against differences.</summary>
internal static class DoublePrecision
{
    internal static void Of(SequenceModel model)
    {
        model.SetComputeType(float64);
        foreach (nn.Parameter p in model.parameters())
        {
            p.set_data(p.detach().to(float64));
        }
    }

    /// <summary>Along a random direction for each parameter.</summary>
    internal static void Slopes(SequenceModel model, Func<double> objective)
    {
        using IDisposable mode = no_grad();
        foreach ((string name, nn.Parameter p) in model.named_parameters())
        {
            Tensor direction = randn(p.shape, float64);
            double Moved(double by)
            {
                p.add_(direction * by);
                double value = objective();
                p.add_(direction * -by);
                return value;
            }

            double slope = (Moved(1e-5) - Moved(-1e-5)) / 2e-5;
            double ours = (p.grad! * direction).sum().item();
            Assert.True(Math.Abs(slope - ours) <= 1e-5 * (1 + Math.Abs(slope)), $"{name}: slope {slope:g9}, ours {ours:g9}");
        }
    }
}
