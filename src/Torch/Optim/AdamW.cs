using System.Numerics;
using System.Runtime.InteropServices;

namespace GenoSeq.Torch;

public static partial class torch
{
    /// <summary>Optimizers.</summary>
    public static partial class optim
    {
        /// <summary>Parameters that share a weight decay, and what else a step may do to some and not to others.</summary>
        /// <param name="Parameters">The parameters with their names (the keys of the state).</param>
        /// <param name="WeightDecay">Decay per unit of learning rate.</param>
        public sealed record ParamGroup(IReadOnlyList<(string Name, nn.Parameter Value)> Parameters, double WeightDecay)
        {
            /// <summary>The group's learning rate over the optimizer's.</summary>
            public double RateScale { get; init; } = 1;

            /// <summary>True while steps leave the group alone: its gradients are neither applied nor part of the norm.</summary>
            public bool Frozen { get; set; }

            /// <summary>Steps that the optimizer had taken when the group joined; its moments are corrected for those since then.</summary>
            public long StepsBefore { get; set; }
        }

        /// <summary>
        /// Adam with decoupled weight decay (Loshchilov and Hutter 2019), with the arithmetic and order of torch's AdamW:
        /// decay first, then the step with bias-corrected moments. On the CPU one fused pass per parameter.
        /// </summary>
        public sealed class AdamW : IDisposable
        {
            private readonly ParamGroup[] _groups;
            private readonly Dictionary<string, (Tensor M, Tensor V)> _state = [];
            private readonly double _beta1;
            private readonly double _beta2;
            private readonly double _eps;

            /// <summary>Creates the optimizer with zero moments.</summary>
            public AdamW(IEnumerable<ParamGroup> groups, double lr, double beta1 = 0.9, double beta2 = 0.999,
                double eps = 1e-8)
            {
                _groups = [.. groups];
                LearningRate = lr;
                (_beta1, _beta2, _eps) = (beta1, beta2, eps);
                foreach ((string name, nn.Parameter p) in _groups.SelectMany(g => g.Parameters))
                {
                    _state.Add(name, (zeros_like(p).DetachFromDisposeScope(), zeros_like(p).DetachFromDisposeScope()));
                }
            }

            /// <summary>Step size of the next step.</summary>
            public double LearningRate { get; set; }

            /// <summary>Steps taken.</summary>
            public long StepCount { get; set; }

            /// <summary>The groups.</summary>
            public IReadOnlyList<ParamGroup> Groups => _groups;

            /// <summary>
            /// Takes the whole step elsewhere, such as in kernels of a GPU, with the parameters, gradients and moments of this
            /// optimizer. Returns f64 [2]: the norm of the scaled gradients, and 1 if it is finite, else 0 (then nothing was
            /// updated); of no meaning where the step asks for no norm. Null: the step is taken here.
            /// </summary>
            public Func<AdamWStep, Tensor>? DeviceStep { get; set; }

            /// <summary>First and second moments by parameter name: what a checkpoint holds.</summary>
            public IEnumerable<(string Name, Tensor ExpAvg, Tensor ExpAvgSq)> State =>
                _groups.SelectMany(g => g.Parameters).Select(p => (p.Name, _state[p.Name].M, _state[p.Name].V));

            /// <summary>Takes one step with the parameters' gradients; a parameter without one is left alone.</summary>
            /// <param name="gradScale">What every gradient is multiplied by first (clipping).</param>
            public void step(double gradScale = 1)
            {
                using DisposeScope scope = NewDisposeScope();
                using IDisposable mode = no_grad();
                StepCount++;
                if (DeviceStep is not null)
                {
                    DeviceStep(StepOf(gradScale, null));
                    return;
                }

                foreach (ParamGroup group in _groups.Where(g => !g.Frozen))
                {
                    double rate = LearningRate * group.RateScale;
                    double c1 = 1 - Math.Pow(_beta1, StepCount - group.StepsBefore);
                    double c2 = 1 - Math.Pow(_beta2, StepCount - group.StepsBefore);
                    foreach ((string name, nn.Parameter p) in group.Parameters)
                    {
                        if (p.grad is { } g)
                        {
                            (Tensor m, Tensor v) = _state[name];
                            var k = new Constants(gradScale, 1 - (rate * group.WeightDecay), _beta1, _beta2,
                                rate / c1, 1 / Math.Sqrt(c2), _eps);
                            Update(p, g, m, v, k);
                        }
                    }
                }
            }

            /// <summary>
            /// Takes one step with the gradients scaled down to a largest norm over all of them. Nothing is updated when their norm
            /// is not finite; the step is counted all the same. The host need not wait for the result.
            /// </summary>
            /// <param name="clipNorm">The largest norm; 0 for no limit.</param>
            /// <param name="gradScale">What every gradient is multiplied by first.</param>
            /// <returns>f64 [2] where the parameters are: the norm before, and 1 if it is finite, else 0.</returns>
            public Tensor step_clipped(double clipNorm, double gradScale = 1)
            {
                if (DeviceStep is not null)
                {
                    StepCount++;
                    return DeviceStep(StepOf(gradScale, clipNorm));
                }

                using DisposeScope scope = NewDisposeScope();
                using IDisposable mode = no_grad();
                double square = _groups.Where(g => !g.Frozen).SelectMany(g => g.Parameters).Sum(p => p.Value.grad?.to(float64).square().sum().item() ?? 0);
                double norm = gradScale * Math.Sqrt(square);
                bool finite = double.IsFinite(norm);
                if (finite) step(gradScale * (clipNorm > 0 && norm > clipNorm ? clipNorm / norm : 1));
                else StepCount++;
                return tensor([norm, finite ? 1.0 : 0.0]).MoveToOuterDisposeScope();
            }

            /// <inheritdoc/>
            public void Dispose()
            {
                foreach ((Tensor m, Tensor v) in _state.Values)
                {
                    m.Dispose();
                    v.Dispose();
                }
            }

            private AdamWStep StepOf(double gradScale, double? clipNorm) =>
                new(LearningRate, _beta1, _beta2, _eps, StepCount, gradScale, clipNorm);

            private static void Update(Tensor p, Tensor g, Tensor m, Tensor v, Constants k)
            {
                if (p.device.Type == DeviceType.CPU && p.dtype == float32 && g.dtype == float32 && p.is_contiguous()
                    && g.is_contiguous())
                {
                    Fused(p.AsSpan<float>(), g.AsSpan<float>(), m.AsSpan<float>(), v.AsSpan<float>(), k);
                    p.bump_version();
                    return;
                }

                Tensor grad = k.GradScale == 1 ? g : g.mul(k.GradScale);
                p.mul_(k.Decay);
                m.lerp_(grad, 1 - k.Beta1);
                v.mul_(k.Beta2).addcmul_(grad, grad, 1 - k.Beta2);
                p.addcdiv_(m, v.sqrt().mul_(k.InverseRootC2).add_(k.Eps), -k.StepSize);
            }

            private static void Fused(Span<float> p, Span<float> g, Span<float> m, Span<float> v, Constants k)
            {
                int width = Vector<float>.Count;
                Span<Vector<float>> vp = MemoryMarshal.Cast<float, Vector<float>>(p);
                Span<Vector<float>> vg = MemoryMarshal.Cast<float, Vector<float>>(g);
                Span<Vector<float>> vm = MemoryMarshal.Cast<float, Vector<float>>(m);
                Span<Vector<float>> vv = MemoryMarshal.Cast<float, Vector<float>>(v);
                var scale = new Vector<float>((float)k.GradScale);
                var decay = new Vector<float>((float)k.Decay);
                var w1 = new Vector<float>((float)(1 - k.Beta1));
                var beta2 = new Vector<float>((float)k.Beta2);
                var w2 = new Vector<float>((float)(1 - k.Beta2));
                var size = new Vector<float>((float)k.StepSize);
                var root = new Vector<float>((float)k.InverseRootC2);
                var eps = new Vector<float>((float)k.Eps);
                for (int i = 0; i < vp.Length; i++)
                {
                    Vector<float> grad = vg[i] * scale;
                    Vector<float> first = vm[i] + ((grad - vm[i]) * w1);
                    Vector<float> second = (vv[i] * beta2) + (grad * grad * w2);
                    vm[i] = first;
                    vv[i] = second;
                    vp[i] = (vp[i] * decay) - (size * first / ((Vector.SquareRoot(second) * root) + eps));
                }

                for (int i = vp.Length * width; i < p.Length; i++)
                {
                    float grad = g[i] * (float)k.GradScale;
                    m[i] += (grad - m[i]) * (float)(1 - k.Beta1);
                    v[i] = (v[i] * (float)k.Beta2) + (grad * grad * (float)(1 - k.Beta2));
                    float denominator = (MathF.Sqrt(v[i]) * (float)k.InverseRootC2) + (float)k.Eps;
                    p[i] = (p[i] * (float)k.Decay) - ((float)k.StepSize * m[i] / denominator);
                }
            }

            private readonly record struct Constants(double GradScale, double Decay, double Beta1, double Beta2,
                double StepSize, double InverseRootC2, double Eps);
        }
    }
}
