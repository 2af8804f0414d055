using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>GsScan of scan_args.cu: the tensors of one scan. Null where a kernel allows it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ScanPointers
{
    public nint U, Delta, Z, B, C, A, Skip, Bias, InitialState, Ids;
    public nint Out, FinalState, Y, Checkpoints;
    public nint DOut, DFinalState, DU, DDelta, DZ, DInitialState, PartBc, PartParameters;
    public long UStride, DeltaStride, ZStride, BStride, CStride, OutStride, DOutStride;
    public int Reverse, Pad;
}

/// <summary>One <see cref="ScanPointers"/> for each scan of a launch.</summary>
[InlineArray(ScanShape.MaxScans)]
internal struct ScanPointersOfAll
{
    private ScanPointers _first;
}

/// <summary>GsArgs of scan_args.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ScanArguments
{
    public ScanPointersOfAll Scans;
    public nint Ticket, Ring;
    public int ScanCount, Batch, Length, Channels, Tiles, Zero, Groups;
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

/// <summary>GsReduceBc of scan_reduce.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ScanReduceBcArguments
{
    public AddressOfAll Part, DB, DC;
    public NumberOfAll Reverse;
    public int Sets, Batch, Length, Padded;
    public long DBStride, DCStride;
}

/// <summary>GsReduceP of scan_reduce.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ScanReduceParametersArguments
{
    public AddressOfAll Part, DA, DSkip, DBias;
    public int Batch, Channels;
}
