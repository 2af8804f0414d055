using System.Text;

namespace GenoSeq.Cli.Console;

/// <summary>A writer for words: when nobody reads them any more (standard error is closed), they are dropped.</summary>
internal sealed class QuietWriter(TextWriter inner) : TextWriter(System.Globalization.CultureInfo.InvariantCulture)
{
    private bool _closed;

    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => Attempt(() => inner.Write(value));

    public override void Write(char[] buffer, int index, int count) => Attempt(() => inner.Write(buffer, index, count));

    public override void Write(string? value) => Attempt(() => inner.Write(value));

    public override void WriteLine(string? value) => Attempt(() => inner.Write(value + "\n"));

    public override void Flush() => Attempt(inner.Flush);

    private void Attempt(Action write)
    {
        if (_closed)
        {
            return;
        }

        try
        {
            write();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or UnauthorizedAccessException)
        {
            _closed = true;
        }
    }
}
