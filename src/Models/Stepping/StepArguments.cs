using System.Runtime.InteropServices;

namespace GenoSeq.Models.Stepping;

// Arguments of the kernels of step.cu, field by field, in single precision; addresses are of the device that runs them. What each field
// is, and its shape, stands there.

[StructLayout(LayoutKind.Sequential)]
internal struct StepEmbed
{
    public nint Ids, Weight, Out, Positions;
    public int Rows, Width, Vocab, Pad;
}

[StructLayout(LayoutKind.Sequential)]
internal struct StepLinear
{
    public nint X, Residual, Sum, Norm, Weight, Bias, Out;
    public float Eps;
    public int Rows, Inputs, Outputs, Gate, Pad;
}

[StructLayout(LayoutKind.Sequential)]
internal struct StepMamba
{
    public nint Xz, Halo, State, Conv, ConvBias, XProj, DtProj, DtBias, A, Skip, NormDt, NormB, NormC, Out;
    public int Rows, Channels, States, Taps, Rank;
    public float NormEps;
}

[StructLayout(LayoutKind.Sequential)]
internal struct StepAttend
{
    public nint Qkv, Keys, Values, Positions, Part, Out;
    public double Theta, Scale;
    public int Rows, Heads, KvHeads, Head, Capacity, Splits;
}

[StructLayout(LayoutKind.Sequential)]
internal struct StepSample
{
    public nint Logits, Choices, Ids, Tokens, Filled, Drawn, Streams;
    public ulong Key;
    public double Inverse, TopP;
    public int Rows, Vocab, Count, TopK, Block, Pad;
}
