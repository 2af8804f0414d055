using Microsoft.Win32.SafeHandles;

namespace GenoSeq.Data;

/// <summary>Standard output as bytes.</summary>
public static class StandardOutput
{
    /// <summary>Opens it so that a pipe closed by its reader is an error that can be seen.</summary>
    /// <remarks>
    /// The runtime's own stream swallows EPIPE, so that a program would go on computing for nobody. A plain file keeps the runtime's
    /// stream: a file stream writes at its own offsets and leaves the shared one behind, and <c>(a; b) &gt; file</c> would overwrite.
    /// </remarks>
    public static Stream Open()
    {
        if (OperatingSystem.IsLinux())
        {
            using FileStream stream = new(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            if (!stream.CanSeek)
            {
                return new PipeOutput(1);
            }
        }

        return Console.OpenStandardOutput();
    }
}
