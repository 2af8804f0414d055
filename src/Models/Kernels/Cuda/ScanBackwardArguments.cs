using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>GsBackwardScan of scan_backward_args.cu: the tensors of one scan. Null where a kernel allows it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ScanBackwardPointers
{
    public nint U, Delta, B, C, G, A, Skip, Bias, Ids, Checkpoints, DFinalState;
    public nint DU, DDelta, DInitialState, PartBc, PartParameters, Carry, Decay;
    public long UStride, DeltaStride, BStride, CStride, GStride;
    public int Reverse, Pad;
}

/// <summary>One <see cref="ScanBackwardPointers"/> for each scan of a launch.</summary>
[InlineArray(ScanShape.MaxScans)]
internal struct ScanBackwardPointersOfAll
{
    private ScanBackwardPointers _first;
}

/// <summary>GsBackwardArgs of scan_backward_args.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ScanBackwardArguments
{
    public ScanBackwardPointersOfAll Scans;
    public int ScanCount, Batch, Length, Channels, Sets, Segments, SegmentSteps, Spans, SpanSteps;
}

/// <summary>An address for each scan of a launch.</summary>
[InlineArray(ScanShape.MaxScans)]
internal struct AddressOfAll
{
    private nint _first;
}

/// <summary>A number for each scan of a launch.</summary>
[InlineArray(ScanShape.MaxScans)]
internal struct NumberOfAll
{
    private int _first;
}

/// <summary>A stride for each scan of a launch.</summary>
[InlineArray(ScanShape.MaxScans)]
internal struct StrideOfAll
{
    private long _first;
}

/// <summary>GsSumBc of scan_backward_sums.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ScanSumBcArguments
{
    public AddressOfAll Part, DB, DC;
    public StrideOfAll DBStride, DCStride;
    public NumberOfAll Reverse;
    public int Sets, Batch, Length, Padded;
}

/// <summary>GsSumRows of reduce.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SumRowsArguments
{
    public nint In, Out;
    public int Rows, Columns;
}
