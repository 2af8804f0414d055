using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <content>The backward pass.</content>
internal static partial class ConvKernels
{
    private const int MostShared = 227 * 1024, MostWarps = 16; // of a multiprocessor: more leave too few registers

    /// <summary>Whether <see cref="Backward"/> takes a projection of this width; otherwise the caller adds to du beforehand.</summary>
    /// <param name="type">Of the activations.</param>
    /// <param name="width">Of the projection's rows.</param>
    internal static bool TakesProjection(ScalarType type, long width) => type == ScalarType.BFloat16 && width % 8 == 0 && width is > 0 and <= 128;

    /// <summary>Gradients; dx is the sum over the directions.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="x">The forward pass's.</param>
    /// <param name="directions">The forward pass's.</param>
    /// <param name="ids">The forward pass's.</param>
    /// <param name="du">Gradient of each u [batch, length, channels], rows evenly spaced.</param>
    /// <param name="dx">[batch, length, channels], rows evenly spaced; overwritten.</param>
    /// <param name="through">What is added to each du, which stays as it is; empty for nothing. See <see cref="TakesProjection"/>.</param>
    /// <param name="silu">As in the forward pass.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static ConvGradients[] Backward(KernelDevice device, Tensor x, ReadOnlySpan<ConvDirection> directions, Tensor? ids,
        ReadOnlySpan<Tensor> du, Tensor dx, ReadOnlySpan<ConvProjection> through = default, bool silu = true)
    {
        if (du.Length != directions.Length || (through.Length > 0 && through.Length != directions.Length))
        {
            throw new ArgumentException($"{du.Length} gradients and {through.Length} projections for {directions.Length} directions", nameof(du));
        }

        Arguments a = Common(x, directions, ids);
        (a.Dx, a.DxStride) = KernelRows.Of(dx, "x's gradient", x.dtype, x.shape);
        int count = directions.Length, width = 0;
        Tensor sums = zeros([count, 5, a.Channels], float32, x.device);
        var before = new Tensor?[count];
        for (int i = 0; i < count; i++)
            before[i] = directions[i].Before is null ? null : zeros([a.Batch, Taps - 1, a.Channels], x.dtype, x.device);
        using (NewDisposeScope())
        {
            for (int i = 0; i < count; i++)
            {
                ref Direction d = ref Bind(ref a, x, directions[i]);
                (d.Du, d.DuStride) = KernelRows.Of(du[i], "a gradient of u", x.dtype, x.shape);
                if (through.Length > 0) BindProjection(ref a, ref d, x, through[i], ref width);
                if (before[i] is not { } b) continue;
                d.DBefore = b.data_ptr();
                // The kernel takes the rows before the sequence as rows of the sequence.
                if (directions[i].Reverse) a.Tail = Taps - 1;
                else a.Lead = Taps - 1;
            }

            LaunchBackward(device, a, x, ids is not null, width, count, sums, silu);
        }

        return Gradients(directions, sums, before);
    }

    private static void BindProjection(ref Arguments a, ref Direction d, Tensor x, ConvProjection p, ref int width)
    {
        long own = p.Weight.dim() == 2 ? p.Weight.size(0) : 0;
        if (!TakesProjection(x.dtype, own) || (width > 0 && own != width))
        {
            throw new ArgumentException($"the kernel does not take projections of {x.dtype} by {p.Weight.Describe()}");
        }

        (d.Through, long stride) = KernelRows.Of(p.Rows, "a projection's gradient", x.dtype, [x.size(0), x.size(1), own]);
        if (width > 0 && stride != a.ThroughStride) throw new ArgumentException("the projections' gradients must have rows of equal spacing");
        (width, a.ThroughStride) = ((int)own, stride);
        d.Projection = KernelTensors.Dense(p.Weight, "a projection", x.dtype, own, x.size(2));
    }

    private static void LaunchBackward(KernelDevice device, Arguments a, Tensor x, bool ids, int width, int count, Tensor sums, bool silu)
    {
        if (a.Lead == 0 && a.Tail == 0 && a.Batch > 1 && (long)a.Batch * a.Length <= int.MaxValue - 64)
        {
            // Nothing flows over the ends of a sequence: all of them as one, which is cut evenly.
            (a.Period, a.Length, a.Batch) = (a.Length, a.Batch * a.Length, 1);
        }

        BackwardPlan plan = BackwardPlan.For(a.Channels, count, x.dtype.ElementSize(), width);
        KernelFunction function = Function(device, "gs_conv_bwd", "conv_bwd.cu", x.dtype, plan.Warps * plan.Groups * 32, plan.SharedBytes, ids, silu,
            [$"GS_CONV_DIRS={a.Directions}", $"GS_CONV_WARPS={plan.Warps}", $"GS_CONV_GROUPS={plan.Groups}", $"GS_CONV_STAGES={plan.Stages}", $"GS_CONV_WIDTH={width}"]);
        long across = KernelTensors.Ceiling(a.Channels, 64 * plan.Warps);
        long slots = (long)device.Multiprocessors * function.BlocksPerMultiprocessor * plan.Groups;
        (a.Tiles, a.Rows) = Segments(a.Length + a.Lead + a.Tail, a.Batch * across, slots);
        long segments = a.Length == 0 ? 0 : (long)a.Tiles * a.Batch;
        if (segments > 0)
        {
            Tensor part = empty([segments, count, 5, a.Channels], float32, x.device);
            a.Part = part.data_ptr();
            device.Launch(function, (across, KernelTensors.Ceiling(segments, plan.Groups), 1), a);
            RowSumKernels.Run(device, part, sums);
        }
    }

    // The number of segments that ends soonest when `slots` of them run at once; a segment costs its rows and about 30 more.
    private static (int Segments, int Rows) Segments(int rows, long sequences, long slots)
    {
        (long Cost, int Segments, int Rows) best = (long.MaxValue, 1, rows);
        for (int n = 1; n <= Math.Min(1024, (rows + 31) / 32); n++)
        {
            int each = (rows + n - 1) / n;
            int needed = (rows + each - 1) / each;
            long cost = KernelTensors.Ceiling(needed * sequences, slots) * (each + 30);
            if (cost < best.Cost) best = (cost, needed, each);
        }

        return (best.Segments, best.Rows);
    }

    // Without projections a block is one segment. With them several share the projections' columns in shared memory.
    private readonly record struct BackwardPlan(int Warps, int Groups, int Stages, int SharedBytes)
    {
        internal static BackwardPlan For(int channels, int count, int elementSize, int width)
        {
            const int stages = 2;
            int warps = (int)Math.Min(width == 0 ? 4 : 2, KernelTensors.Ceiling(channels, 64)), groups = width == 0 ? 1 : MostWarps / warps;
            while (groups > 1 && Shared(warps, groups, stages, count, elementSize, width) > MostShared) groups--;
            return new(warps, groups, stages, Shared(warps, groups, stages, count, elementSize, width));
        }

        // B_COUNT B_PROJECTION + GS_CONV_GROUPS GS_CONV_STAGES B_STAGE
        private static int Shared(int warps, int groups, int stages, int count, int elementSize, int width)
        {
            int pitch = (warps * 64 * elementSize) + (width > 0 ? 16 : 0), steps = (width + 15) / 16;
            int stage = ((1 + count) * 8 * pitch) + (width > 0 ? count * 8 * ((steps * 32) + 16) : 0);
            return (count * steps * 16 * pitch) + (groups * stages * stage);
        }
    }
}
