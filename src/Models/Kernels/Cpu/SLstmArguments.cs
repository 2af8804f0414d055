using System.Runtime.InteropServices;

namespace GenoSeq.Models.Kernels.Cpu;

/// <summary>Memory of the sequential LSTM's passes on a CPU or, field by field, of slstm.cu; dense, in single precision; d is the width of a head, 4 d its inputs z, i, f, o.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SLstmArguments
{
    /// <summary>Sizes.</summary>
    public int Batch, Length, Heads, Width;

    /// <summary>On a GPU: R is read from shared memory.</summary>
    public int SharedR, Pad;

    /// <summary>Recurrent weights [heads, d, 4 d]: from a channel to what it adds to the inputs.</summary>
    public float* R;

    /// <summary>[batch, length], 0 where a sequence begins; or null.</summary>
    public float* Keep;

    /// <summary>States before the first position [batch, heads, d].</summary>
    public float* H0, C0, N0, M0;

    /// <summary>Inputs [batch, length, heads, 4 d]; the forward pass adds the recurrent part to them in place.</summary>
    public float* Pre;

    /// <summary>States behind every position [batch, length, heads, d].</summary>
    public float* H, C, N, M;

    /// <summary>Backward: gradient of H.</summary>
    public float* DH;

    /// <summary>Backward: gradient of Pre, overwritten.</summary>
    public float* DPre;
}
