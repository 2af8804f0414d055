using System.Text;

namespace GenoSeq.Training.Runs;

/// <summary>Writes small files whole or not at all.</summary>
internal static class RunFiles
{
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Writes beside the target, flushes to the disk, then renames over it: a crash leaves the old file or the new.</summary>
    public static void WriteAtomic(string path, string text)
    {
        string temporary = FormattableString.Invariant($"{path}.tmp-{Environment.ProcessId}");
        try
        {
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                stream.Write(s_utf8.GetBytes(text));
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
