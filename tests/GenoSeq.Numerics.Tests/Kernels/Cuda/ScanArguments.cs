using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GenoSeq.Numerics.Tests.Kernels.Cuda;

/// <summary>GsScan of scan_args.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ScanArgument
{
    public void* U, Delta, Z, B, C;
    public float* A, Skip, Bias, H0;
    public int* Ids;
    public void* Out;
    public float* HLast;
    public void* Y, Checkpoints, DOut;
    public float* DHLast;
    public void* DU, DDelta, DZ;
    public float* DH0, PartBc, PartP;
    public long UStride, DeltaStride, ZStride, BStride, CStride, OutStride, DOutStride;
    public int Reverse, Pad;
}

[InlineArray(4)]
internal struct FourScans
{
    private ScanArgument _first;
}

[InlineArray(4)]
internal struct FourPointers
{
    private nint _first;
}

[InlineArray(4)]
internal struct FourInts
{
    private int _first;
}

/// <summary>GsArgs.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ScanArguments
{
    public FourScans S;
    public uint* Ticket;
    public ulong* Ring;
    public int Scans, Batch, Length, DInner, Tiles, Zero, Groups;
}

/// <summary>GsReduceBc of scan_reduce.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ReduceBcArguments
{
    public FourPointers Part, Db, Dc;
    public FourInts Reverse;
    public int Sets, Batch, Length, Padded;
    public long DbStride, DcStride;
}

/// <summary>GsReduceP of scan_reduce.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ReducePArguments
{
    public FourPointers Part, Da, DSkip, DBias;
    public int Batch, DInner;
}
