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
    internal static void Check(int status, string? op = null, string? args = null)
    {
        if (status != 0)
        {
            Throw(status, op, args);
        }
    }

    private static void Throw(int status, string? op, string? args)
    {
        string message = Marshal.PtrToStringUTF8(NativeMethods.gs_last_error()) ?? "unknown error";
        switch (status)
        {
            case 3:
                ManagedErrors.Rethrow(NativeMethods.gs_last_managed_error());
                break;
            case 2:
                throw new TorchOutOfMemoryException(op is null ? message : $"{op}({args}): {message}");
            case 4:
                throw new MissingLibraryException(message, "a libtorch that has it",
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
    private static readonly Dictionary<long, ExceptionDispatchInfo> s_pending = [];
    private static long s_next;

    internal static long Store(Exception e)
    {
        lock (s_pending)
        {
            long token = ++s_next;
            s_pending[token] = ExceptionDispatchInfo.Capture(e);
            return token;
        }
    }

    internal static void Rethrow(long token)
    {
        ExceptionDispatchInfo? info;
        lock (s_pending)
        {
            // Others can be pending only if libtorch dropped them: it reports the first of several failures.
            s_pending.Remove(token, out info);
            s_pending.Clear();
        }

        info?.Throw();
    }
}
