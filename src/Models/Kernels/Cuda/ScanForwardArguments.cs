using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>GsForwardScan of scan_fwd_args.cu: the tensors of one scan. Null where a kernel allows it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ScanForwardPointers
{
    public nint U, Delta, B, C, A, Skip, Bias, InitialState, Ids, Y, Checkpoints, FinalState, Dt, DtWeight, DeltaOut, Z, Add, Ends, Sums;
    public long UStride, DeltaStride, BStride, CStride, DtStride, ZStride;
    public int Reverse, Pad;
}

/// <summary>One <see cref="ScanForwardPointers"/> for each scan of a launch.</summary>
[InlineArray(ScanShape.MaxScans)]
internal struct ScanForwardPointersOfAll
{
    private ScanForwardPointers _first;
}

/// <summary>GsForward of scan_fwd_args.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ScanForwardArguments
{
    public ScanForwardPointersOfAll Scans;
    public nint Ticket, Ring;
    public int ScanCount, Batch, Length, Channels, Segments, Steps, Tiles, Groups, Zero, Pad;
}
