using System.Runtime.Intrinsics;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cpu;

namespace GenoSeq.Models.Stepping;

/// <summary>The same on a CPU. Every sum has an order of its own, so results depend neither on the batch nor on the threads.</summary>
internal sealed unsafe class HostStepKernels : StepKernels
{
    // Products below are done before another thread would have begun.
    private const long WorthThreads = 1 << 17;
    private const int OutputsOfItem = 32;

    private float[] _scratch = [];

    internal override void Embed(in StepEmbed a)
    {
        for (int row = 0; row < a.Rows; row++)
        {
            int id = ((int*)a.Ids)[row];
            var to = new Span<float>((float*)a.Out + ((long)row * a.Width), a.Width);
            if ((uint)id < (uint)a.Vocab)
            {
                new ReadOnlySpan<float>((float*)a.Weight + ((long)id * a.Width), a.Width).CopyTo(to);
            }
            else
            {
                to.Clear();
            }

            ((long*)a.Positions)[row]++;
        }
    }

    internal override void Linear(in StepLinear a)
    {
        int needed = a.Rows * a.Inputs;
        if (_scratch.Length < needed)
        {
            _scratch = GC.AllocateUninitializedArray<float>(needed, pinned: true);
        }

        fixed (float* x = _scratch)
        {
            Prepare(a, x);
            if (a.Weight == 0)
            {
                new ReadOnlySpan<float>(x, needed).CopyTo(new Span<float>((float*)a.Out, needed));
                return;
            }

            StepLinear b = a;
            float* rows = x;
            int items = (a.Outputs + OutputsOfItem - 1) / OutputsOfItem;
            if ((long)needed * a.Outputs < WorthThreads)
            {
                Outputs(b, rows, 0, a.Outputs);
                return;
            }

            KernelThreads.For(items, item => Outputs(b, rows, item * OutputsOfItem, Math.Min(b.Outputs, (item + 1) * OutputsOfItem)));
        }
    }

    internal override void Mamba(in StepMamba a)
    {
        StepMamba b = a;
        Action<int> row = (KernelDispatch.Current, a.States % 16, a.States % 8) switch
        {
            (KernelPath.Vector512, 0, _) => r => HostStepMamba<Simd512, Vector512<float>>.Row(b, r),
            (KernelPath.Vector512 or KernelPath.Vector256, _, 0) => r => HostStepMamba<Simd256, Vector256<float>>.Row(b, r),
            _ => r => HostStepMamba<SimdScalar, float>.Row(b, r),
        };
        KernelThreads.For(a.Rows, row);
    }

    internal override void Attend(in StepAttend a)
    {
        StepAttend b = a;
        Action<int, int> group = KernelDispatch.Current switch
        {
            KernelPath.Vector512 => (row, kv) => HostStepAttention<Simd512, Vector512<float>>.Group(b, row, kv),
            KernelPath.Vector256 => (row, kv) => HostStepAttention<Simd256, Vector256<float>>.Group(b, row, kv),
            _ => (row, kv) => HostStepAttention<SimdScalar, float>.Group(b, row, kv),
        };
        KernelThreads.For(a.Rows * a.KvHeads, item => group(item / b.KvHeads, item % b.KvHeads));
    }

    internal override void Sample(in StepSample a)
    {
        for (int row = 0; row < a.Rows; row++)
        {
            int id = HostStepSampler.Choose(a, row);
            int* filled = (int*)a.Filled + row;
            ((long*)a.Drawn)[row]++;
            ((int*)a.Tokens)[((long)row * a.Block) + *filled] = id;
            (*filled)++;
            ((int*)a.Ids)[row] = id;
        }
    }

    /// <summary>v silu(factor), in place.</summary>
    private static void Silu(float* v, float* factor, int count)
    {
        switch (KernelDispatch.Current)
        {
            case KernelPath.Vector512:
                HostFunctions<Simd512, Vector512<float>>.Silu(v, factor, count);
                break;
            case KernelPath.Vector256:
                HostFunctions<Simd256, Vector256<float>>.Silu(v, factor, count);
                break;
            default:
                HostFunctions<SimdScalar, float>.Silu(v, factor, count);
                break;
        }
    }

    private static void Prepare(in StepLinear a, float* rows)
    {
        for (int row = 0; row < a.Rows; row++)
        {
            float* to = rows + ((long)row * a.Inputs);
            if (a.Gate != 0)
            {
                float* pair = (float*)a.X + ((long)row * 2 * a.Inputs);
                new ReadOnlySpan<float>(pair + a.Inputs, a.Inputs).CopyTo(new Span<float>(to, a.Inputs));
                Silu(to, pair, a.Inputs);
                continue;
            }

            long at = (long)row * a.Inputs;
            float square = 0;
            for (int k = 0; k < a.Inputs; k++)
            {
                float v = ((float*)a.X)[at + k] + (a.Residual == 0 ? 0 : ((float*)a.Residual)[at + k]);
                if (a.Sum != 0)
                {
                    ((float*)a.Sum)[at + k] = v;
                }

                to[k] = v;
                square += v * v;
            }

            if (a.Norm != 0)
            {
                float scale = 1 / MathF.Sqrt((square / a.Inputs) + a.Eps);
                for (int k = 0; k < a.Inputs; k++)
                {
                    to[k] *= scale * ((float*)a.Norm)[k];
                }
            }
        }
    }

    private static void Outputs(in StepLinear a, float* rows, int first, int last)
    {
        switch (KernelDispatch.Current)
        {
            case KernelPath.Vector512:
                HostProducts<Simd512, Vector512<float>>.Run(a, rows, first, last);
                break;
            case KernelPath.Vector256:
                HostProducts<Simd256, Vector256<float>>.Run(a, rows, first, last);
                break;
            default:
                HostProducts<SimdScalar, float>.Run(a, rows, first, last);
                break;
        }
    }
}
