using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>GsForwardScan of scan_serial.cu: the tensors of one scan. Null where a kernel allows it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ScanSerialPointers
{
    public nint U, Delta, B, C, A, Skip, Bias, InitialState, Ids, Y, Checkpoints, FinalState, Ends;
    public long UStride, DeltaStride, BStride, CStride;
    public int Reverse, Pad;
}

/// <summary>One <see cref="ScanSerialPointers"/> for each scan of a launch.</summary>
[InlineArray(ScanShape.MaxScans)]
internal struct ScanSerialPointersOfAll
{
    private ScanSerialPointers _first;
}

/// <summary>GsForward of scan_serial.cu.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ScanSerialArguments
{
    public ScanSerialPointersOfAll Scans;
    public int ScanCount, Batch, Length, Channels, Segments, Steps;

    /// <summary>The same inputs and outputs as a launch of the chained kernel.</summary>
    internal static ScanSerialArguments From(ScanArguments x)
    {
        var to = new ScanSerialArguments { ScanCount = x.ScanCount, Batch = x.Batch, Length = x.Length, Channels = x.Channels };
        for (int i = 0; i < x.ScanCount; i++)
        {
            ScanPointers s = x.Scans[i];
            to.Scans[i] = new ScanSerialPointers
            {
                U = s.U,
                Delta = s.Delta,
                B = s.B,
                C = s.C,
                A = s.A,
                Skip = s.Skip,
                Bias = s.Bias,
                InitialState = s.InitialState,
                Ids = s.Ids,
                Y = s.Out,
                Checkpoints = s.Checkpoints,
                FinalState = s.FinalState,
                UStride = s.UStride,
                DeltaStride = s.DeltaStride,
                BStride = s.BStride,
                CStride = s.CStride,
                Reverse = s.Reverse,
            };
        }

        return to;
    }
}
