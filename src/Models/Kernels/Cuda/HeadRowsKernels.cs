using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>
/// The head's loss for larger vocabularies (head_rows.cu): the rows with a target are listed, and chunk by chunk gathered,
/// multiplied by libtorch, turned into loss and gradient, multiplied back and put in their places. How many there are the host
/// never learns, so that chunks go up to the bound it was given; what lies beyond the list is zero. Operands of the products have
/// the activations' type; logits and the weight's gradient are summed and kept in single precision.
/// </summary>
internal static class HeadRowsKernels
{
    // With a vocabulary of 264 that is 100 MB of logits and gradients. Chunks of 16384 took three times as long on an H100.
    private const int ChunkRows = 65536;
    private const int CountRows = 1024;

    private static readonly Operator s_mmTo = new("aten::mm", "dtype");
    private static readonly Operator s_indexAdd = new("aten::index_add_");

    internal static HeadLossResult Run(KernelDevice device, HeadShape shape, float scale, bool gradients, long targetBound)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        ScalarType type = shape.Hidden.dtype;
        Device place = shape.Hidden.device;
        int capacity = (int)(targetBound > 0 ? Math.Min(targetBound, shape.Rows) : shape.Rows);
        int size = Math.Min(capacity, ChunkRows);
        int chunks = (int)KernelTensors.Ceiling(capacity, size);
        int pitch = (shape.Vocab + 7) / 8 * 8;
        var program = new KernelProgram(["common.cu", "head_rows.cu"], KernelTensors.Definitions(type, "the hidden state",
            $"R_D={shape.Width}", $"R_STRANDS={shape.Strands}", $"R_VOCAB={shape.Vocab}", $"R_PITCH={pitch}"));
        KernelFunction loss = device.Function(program, "gs_rows_loss", 256);
        KernelFunction gather = device.Function(program, "gs_rows_gather", 256);
        long lossGrid = KernelTensors.Grid(device, loss, KernelTensors.Ceiling(size, 8));
        long copyGrid = KernelTensors.Grid(device, gather, KernelTensors.Ceiling((long)size * shape.Columns / 8, 256));
        long counts = KernelTensors.Ceiling(shape.Rows, CountRows);

        Tensor totals = empty([4], float64, place);
        Tensor offsets = empty([counts + 1], int32, place);
        Tensor list = empty([capacity], int32, place);
        Tensor block = empty([lossGrid * chunks, 4], float64, place);
        Tensor matrix = Matrix(shape, pitch).to(type);
        Tensor transposed = matrix.transpose(0, 1);
        Tensor chunk = empty([size, shape.Columns], type, place);
        Tensor? grad = gradients ? empty([size, pitch], type, place) : null;
        Tensor? dHidden = gradients ? zeros_like(shape.Hidden) : null;
        Tensor? dMatrix = gradients ? zeros([pitch, shape.Columns], float32, place) : null;
        var a = new Arguments
        {
            Targets = shape.Targets.data_ptr(),
            Weights = shape.Weights?.data_ptr() ?? 0,
            Factor = shape.Factor?.data_ptr() ?? 0,
            Hidden = shape.Hidden.data_ptr(),
            DHidden = dHidden?.data_ptr() ?? 0,
            Gradient = grad?.data_ptr() ?? 0,
            Offsets = offsets.data_ptr(),
            List = list.data_ptr(),
            Block = block.data_ptr(),
            Totals = totals.data_ptr(),
            Rows = shape.Rows,
            Length = shape.Length,
            Capacity = capacity,
            Size = size,
            Slots = (int)(lossGrid * chunks),
            Scale = scale,
            Gradients = gradients ? 1 : 0,
        };
        device.Launch(device.Function(program, "gs_rows_count", 256), (counts, 1, 1), a);
        device.Launch(device.Function(program, "gs_rows_offsets", 256), (1, 1, 1), a);
        device.Launch(device.Function(program, "gs_rows_list", 256), (counts, 1, 1), a);
        for (int i = 0; i < chunks; i++)
        {
            using DisposeScope inner = NewDisposeScope();
            a.First = i * size;
            a.Slot = (int)(i * lossGrid);
            a.Chunk = chunk.data_ptr();
            device.Launch(gather, (copyGrid, 1, 1), a);
            Tensor logits = Product(chunk, transposed);
            a.Logits = logits.data_ptr();
            device.Launch(loss, (lossGrid, 1, 1), a);
            if (gradients)
            {
                dMatrix!.add_(Product(grad!.transpose(0, 1), chunk));
                Tensor dChunk = grad.mm(matrix);
                a.Chunk = dChunk.data_ptr();
                device.Launch(device.Function(program, "gs_rows_scatter", 256), (copyGrid, 1, 1), a);
            }
        }

        device.Launch(device.Function(program, "gs_rows_totals", 256), (1, 1, 1), a);
        Tensor? dWeight = gradients ? Fold(shape, dMatrix!).MoveToOuterDisposeScope() : null;
        return new HeadLossResult(totals.MoveToOuterDisposeScope(), dHidden?.MoveToOuterDisposeScope(), dWeight);
    }

    // In single precision. CUDA multiplies bfloat16 so itself, in newer versions; elsewhere the operands are widened.
    private static Tensor Product(Tensor a, Tensor b) =>
        a.dtype == float32 ? a.mm(b)
        : a.device.Type == DeviceType.CUDA && s_mmTo.Exists ? s_mmTo.Call(a, b, float32)
        : a.to(float32).mm(b.to(float32));

    // [W, W[complement]], rows padded with zeros.
    private static Tensor Matrix(HeadShape shape, int pitch)
    {
        Tensor w = shape.Complement is null ? shape.Weight : cat([shape.Weight, shape.Weight.index_select(0, shape.Complement)], 1);
        return pitch == shape.Vocab ? w : cat([w, zeros([pitch - shape.Vocab, shape.Columns], float32, w.device)], 0);
    }

    // The second strand's part goes to the rows that it was made of. A permutation: no two go to one row.
    private static Tensor Fold(HeadShape shape, Tensor dMatrix)
    {
        Tensor rows = dMatrix.narrow(0, 0, shape.Vocab);
        Tensor first = rows.narrow(1, 0, shape.Width).contiguous();
        if (shape.Complement is null) return first;
        s_indexAdd.CallInPlace(first, 0, shape.Complement, rows.narrow(1, shape.Width, shape.Width));
        return first;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint Targets, Weights, Factor, Hidden, Chunk, Logits, Gradient, DHidden, Offsets, List, Block, Totals;
        public int Rows, Length, Capacity, First, Size, Slot, Slots;
        public float Scale;
        public int Gradients, Pad;
    }
}
