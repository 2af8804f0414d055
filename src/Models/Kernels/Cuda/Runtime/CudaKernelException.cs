namespace GenoSeq.Models.Kernels.Cuda.Runtime;

/// <summary>A kernel did not compile, load or start; the message says which one, how it was called, and what the compiler or the driver said.</summary>
public sealed class CudaKernelException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What went wrong, where.</param>
    public CudaKernelException(string message) : base(message)
    {
    }

    internal CudaKernelException(string message, int code) : base(message) => Code = code;

    /// <summary>The driver's or the compiler's own number, or 0.</summary>
    public int Code { get; }
}
