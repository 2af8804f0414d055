using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

/// <summary>A libtorch call failed.</summary>
public class TorchException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What libtorch said.</param>
    public TorchException(string message) : base(message)
    {
    }

    /// <summary>Creates the exception for an operator.</summary>
    /// <param name="message">What libtorch said.</param>
    /// <param name="operatorName">The operator, such as <c>aten::matmul</c>.</param>
    /// <param name="arguments">The arguments' shapes and values in words.</param>
    public TorchException(string message, string operatorName, string arguments)
        : base($"{operatorName}({arguments}): {message}")
    {
        Operator = operatorName;
        Arguments = arguments;
    }

    /// <summary>The operator that failed, or null.</summary>
    public string? Operator { get; }

    /// <summary>Its arguments in words (shapes, dtypes, devices of tensors; values of the others), or null.</summary>
    public string? Arguments { get; }
}

/// <summary>Memory of the host or of a device ran out.</summary>
public sealed class TorchOutOfMemoryException : TorchException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What libtorch said.</param>
    public TorchOutOfMemoryException(string message) : base(message)
    {
    }

    /// <summary>Creates the exception for an operator.</summary>
    /// <param name="message">What libtorch said.</param>
    /// <param name="operatorName">The operator.</param>
    /// <param name="arguments">The arguments in words.</param>
    public TorchOutOfMemoryException(string message, string operatorName, string arguments)
        : base(message, operatorName, arguments)
    {
    }
}

/// <summary>A library, a device or a part of libtorch that was asked for is not there.</summary>
public sealed class MissingLibraryException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="what">What is missing.</param>
    /// <param name="expected">What was expected.</param>
    /// <param name="remedy">What to try.</param>
    public MissingLibraryException(string what, string expected, string remedy)
        : base($"{what}\n  expected: {expected}\n  try: {remedy}")
    {
        What = what;
        Expected = expected;
        Try = remedy;
    }

    /// <summary>What is missing.</summary>
    public string What { get; }

    /// <summary>What was expected.</summary>
    public string Expected { get; }

    /// <summary>What to try.</summary>
    public string Try { get; }
}

/// <summary>Turns statuses of the native library into exceptions.</summary>
internal static class Status
{
    internal static void Check(int status, string? op = null)
    {
        if (status != 0)
        {
            Throw(status, LastMessage(), op, null);
        }
    }

    internal static void Check(int status, string op, params ReadOnlySpan<torch.Tensor?> about)
    {
        if (status != 0)
        {
            string message = LastMessage();
            Throw(status, message, op, string.Join(", ", about.ToArray().Select(t => t?.Describe() ?? "none")));
        }
    }

    internal static string LastMessage() => Marshal.PtrToStringUTF8(NativeMethods.gs_last_error()) ?? "unknown error";

    [DoesNotReturn]
    internal static void Throw(int status, string message, string? op, string? args)
    {
        switch (status)
        {
            case 3:
                ManagedErrors.Rethrow(NativeMethods.gs_last_managed_error());
                break;
            case 2:
                throw op is null
                    ? new TorchOutOfMemoryException(message)
                    : new TorchOutOfMemoryException(message, op, args ?? "");
            case 4:
                throw new MissingLibraryException(op is null ? message : $"{op}: {message}", "a libtorch that has it",
                    "build the native library against another libtorch: `make native LIBTORCH=/path/to/libtorch`");
        }

        throw op is null ? new TorchException(message) : new TorchException(message, op, args ?? "");
    }
}

/// <summary>
/// Exceptions that managed callbacks raised under a native call, kept by a token while they travel through libtorch,
/// which knows no managed exceptions, and rethrown on the thread that made the call.
/// </summary>
internal static class ManagedErrors
{
    // libtorch reports the first of several failures and drops the others, so some tokens never come back. Passes on
    // other threads may have errors under way: only the oldest beyond this many are forgotten.
    private const int MostPending = 256;
    private static readonly Dictionary<long, ExceptionDispatchInfo> s_pending = [];
    private static long s_next;
    private static long s_oldest = 1;

    internal static long Store(Exception e)
    {
        lock (s_pending)
        {
            long token = ++s_next;
            s_pending[token] = ExceptionDispatchInfo.Capture(e);
            while (s_pending.Count > MostPending)
            {
                s_pending.Remove(s_oldest++);
            }

            return token;
        }
    }

    internal static void Rethrow(long token)
    {
        ExceptionDispatchInfo? info;
        lock (s_pending)
        {
            s_pending.Remove(token, out info);
        }

        info?.Throw();
    }
}
