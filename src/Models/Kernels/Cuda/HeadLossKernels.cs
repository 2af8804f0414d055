using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>Options of the head and its loss.</summary>
/// <param name="Cap">Logits are c tanh(l / c) with this c (Bello et al. 2016; Gemma 2); 0: as they are.</param>
/// <param name="ZLoss">Factor of the squared log partition that the loss adds (Chowdhery et al. 2022, PaLM); 0: none.</param>
internal readonly record struct HeadOptions(double Cap, double ZLoss)
{
    /// <summary>Nothing but the cross-entropy.</summary>
    internal bool None => Cap == 0 && ZLoss == 0;
}

/// <summary>What the head's loss returns; everything stays on the device.</summary>
/// <param name="Totals">
/// f64 [4] over the positions with a target: sum of weight times loss in nats, sum of weights, how many, how many whose target
/// is the first largest logit; with options a fifth, the sum of weight times z-loss. Not finite when a target lies outside the vocabulary.
/// </param>
/// <param name="DHidden">Gradient of the hidden states, of their shape and type; zero where there is no target.</param>
/// <param name="DWeight">Gradient of the weight, f32 [vocab, d].</param>
internal sealed record HeadLossResult(Tensor Totals, Tensor? DHidden, Tensor? DWeight);

/// <summary>
/// The language model's head and its cross-entropy. Logits exist only where there is a target: for vocabularies of at most 16
/// never in memory (head_loss.cu), for larger ones chunk by chunk (<see cref="HeadRowsKernels"/>).
/// </summary>
internal static class HeadLossKernels
{
    /// <summary>Largest vocabulary.</summary>
    internal const int MaxVocab = 512;

    private const int FusedVocab = 16;
    private const int FusedWidth = 1024;

    /// <summary>True when the kernels take these sizes.</summary>
    /// <param name="vocab">Rows of the weight.</param>
    /// <param name="width">Columns of the weight, d.</param>
    internal static bool Supports(long vocab, long width) => vocab is >= 1 and <= MaxVocab && width >= 8 && width % 8 == 0;

    /// <summary>True when the kernels take these sizes with options: logits of larger vocabularies are made by libtorch then.</summary>
    internal static bool Supports(long vocab, long width, long strands, HeadOptions options) =>
        Supports(vocab, width) && (options.None || (vocab <= FusedVocab && width * strands <= FusedWidth));

    /// <summary>Loss, and its gradients scaled by a factor that is known beforehand, in one pass.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="hidden">
    /// [batch * length, d], or [2 batch * length, d] with a complement: the other strand behind, each batch entry in its own
    /// reading direction (the partner of a position is mirrored in length). Other shapes with the same rows are taken too.
    /// </param>
    /// <param name="complement">
    /// int32 [vocab], a permutation: logits[t] = W h0[t] + W[complement] h1[mirror t]; null for one strand.
    /// </param>
    /// <param name="batch">Batch entries (of one strand).</param>
    /// <param name="length">Positions of an entry.</param>
    /// <param name="weight">f32 [vocab, d].</param>
    /// <param name="targets">int32 [batch * length] or of that many elements; negative: none.</param>
    /// <param name="weights">f32, one for each target, or null for 1; weight 0 counts as a position but has no gradient.</param>
    /// <param name="scale">Factor on the gradients, such as 1 / sum of all weights.</param>
    /// <param name="gradients">Whether gradients are wanted.</param>
    /// <param name="factor">f32 [1] on the device that multiplies <paramref name="scale"/>, or null.</param>
    /// <param name="targetBound">Positions with a target are at most so many; 0: unknown. Spares work for large vocabularies.</param>
    /// <param name="options">Cap and z-loss, where <see cref="Supports(long, long, long, HeadOptions)"/> takes them.</param>
    /// <exception cref="ArgumentException">A size, type or layout does not fit.</exception>
    internal static HeadLossResult ForwardBackward(KernelDevice device, Tensor hidden, Tensor? complement, long batch, long length,
        Tensor weight, Tensor targets, Tensor? weights, double scale, bool gradients, Tensor? factor = null, long targetBound = 0,
        HeadOptions options = default)
    {
        if (!Supports(weight.size(0), weight.size(1), complement is null ? 1 : 2, options) && !options.None)
        {
            throw new ArgumentException($"a head {weight.Describe()} with options; the kernels take up to {FusedVocab} rows of at most {FusedWidth} numbers");
        }

        HeadShape shape = HeadShape.Of(hidden, complement, batch, length, weight, targets, weights, factor);
        if (shape.Rows == 0)
        {
            return new HeadLossResult(zeros([options.None ? 4 : 5], float64, hidden.device), gradients ? zeros_like(hidden) : null,
                gradients ? zeros_like(weight) : null);
        }

        return shape.Vocab <= FusedVocab && shape.Columns <= FusedWidth
            ? Fused(device, shape, (float)scale, gradients, options)
            : HeadRowsKernels.Run(device, shape, (float)scale, gradients, targetBound);
    }

    private static HeadLossResult Fused(KernelDevice device, HeadShape shape, float scale, bool gradients, HeadOptions options)
    {
        int padded = (shape.Columns + 63) / 64 * 64;
        var program = new KernelProgram(["common.cu", "split_mma.cu", "head_loss.cu"], KernelTensors.Definitions(
            shape.Hidden.dtype, "the hidden state", $"H_D={shape.Width}", $"H_STRANDS={shape.Strands}", $"H_BLOCKS={Blocks(padded, shape.Rows)}",
            $"H_OPTIONS={(options.None ? 0 : 1)}"));
        KernelFunction function = device.Function(program, "gs_head_loss", 256, SharedBytes(padded, shape.Hidden.dtype.ElementSize()));
        int blocks = (int)KernelTensors.Grid(device, function, KernelTensors.Ceiling(shape.Rows, 256));
        Device place = shape.Hidden.device;
        Tensor totals = empty([options.None ? 4 : 5], float64, place);
        Tensor? dHidden = gradients ? empty_like(shape.Hidden) : null;
        Tensor? dWeight = gradients ? empty_like(shape.Weight) : null;
        using Tensor? part = gradients ? empty([blocks, FusedVocab, padded], float32, place) : null;
        using Tensor block = empty([blocks, options.None ? 4 : 8], float64, place);
        device.Launch(function, (blocks, 1, 1), new Arguments
        {
            Hidden = shape.Hidden.data_ptr(),
            Weight = shape.Weight.data_ptr(),
            Complement = shape.Complement?.data_ptr() ?? 0,
            Targets = shape.Targets.data_ptr(),
            Weights = shape.Weights?.data_ptr() ?? 0,
            Factor = shape.Factor?.data_ptr() ?? 0,
            DHidden = dHidden?.data_ptr() ?? 0,
            Part = part?.data_ptr() ?? 0,
            Totals = block.data_ptr(),
            Batch = shape.Batch,
            Length = shape.Length,
            Vocab = shape.Vocab,
            Scale = scale,
            Cap = (float)options.Cap,
            Z = (float)options.ZLoss,
        });
        long grid = (gradients ? KernelTensors.Ceiling((long)shape.Vocab * shape.Width, 32) : 0) + 1;
        device.Launch(device.Function(program, "gs_head_sum", 256), (grid, 1, 1), new SumArguments
        {
            Part = part?.data_ptr() ?? 0,
            Complement = shape.Complement?.data_ptr() ?? 0,
            DWeight = dWeight?.data_ptr() ?? 0,
            Block = block.data_ptr(),
            Totals = totals.data_ptr(),
            Blocks = blocks,
            Vocab = shape.Vocab,
            Grid = (int)grid,
        });
        return new HeadLossResult(totals, dHidden, dWeight);
    }

    // Blocks of a multiprocessor that registers are kept for; shared memory allows no more. Three spill a little; measured
    // with 256 columns they took 8 % less time at 1,048,576 rows and 16 % more at 131,072 (H100).
    private static int Blocks(int padded, int rows) => padded <= 256 && rows >= 1 << 20 ? 3 : padded <= 512 ? 2 : 1;

    // H_SMEM of head_loss.cu: 32 rows, the matrix, partial logits, their gradient, the list, flags and counts.
    private static int SharedBytes(int padded, int elementSize) =>
        (32 * (((padded * elementSize) + 127) / 128 * 128 + 32)) + (16 * padded * 4) + (8 * 32 * 18 * 4) + (32 * 20 * 4) + (288 * 4)
        + (256 * 4) + 64;

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint Hidden, Weight, Complement, Targets, Weights, Factor, DHidden, Part, Totals;
        public int Batch, Length, Vocab;
        public float Scale, Cap, Z;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct SumArguments
    {
        public nint Part, Complement, DWeight, Block, Totals;
        public int Blocks, Vocab, Grid, Pad;
    }
}
