using System.Runtime.InteropServices;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>Sums of the rows of a matrix in a fixed order (reduce.cu): the last step of gradients that blocks summed in part.</summary>
internal static class RowSumKernels
{
    private static readonly KernelProgram s_program = new(["common.cu", "reduce.cu"]);

    /// <summary>Sums over the first dimension.</summary>
    /// <param name="device">Where the tensors are.</param>
    /// <param name="input">f32 [rows, ...], contiguous.</param>
    /// <param name="output">f32 of the other dimensions' size, contiguous; overwritten.</param>
    internal static void Run(KernelDevice device, Tensor input, Tensor output)
    {
        long columns = output.numel();
        if (input.dtype != float32 || !input.is_contiguous() || output.dtype != float32 || !output.is_contiguous()
            || input.numel() != input.size(0) * columns)
        {
            throw new ArgumentException($"the rows of {input.Describe()} do not sum to {output.Describe()}");
        }

        var arguments = new Arguments
        {
            Input = input.data_ptr(),
            Output = output.data_ptr(),
            Rows = KernelTensors.Count(input.size(0), "rows"),
            Columns = KernelTensors.Count(columns, "columns"),
        };
        int threads = arguments.Rows > 256 ? 1024 : 256; // many rows are all latency
        device.Launch(device.Function(s_program, "gs_sum_rows", threads), (KernelTensors.Ceiling(columns, 32), 1, 1), arguments);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint Input, Output;
        public int Rows, Columns;
    }
}
