using System.Text;

namespace GenoSeq.Cli.Launch;

/// <summary>Cuts text that comes in pieces into lines, and knows the unfinished line that begins with a carriage return.</summary>
/// <param name="line">Is given each whole line.</param>
/// <param name="live">Is given the line being redrawn, empty when it is over; null: such lines are not shown until they end.</param>
internal sealed class LineSplitter(Action<string> line, Action<string>? live)
{
    // A program that writes no line ends would fill the memory.
    private const int Longest = 1 << 20;
    private const string Clear = "\u001b[K";

    private readonly StringBuilder _rest = new();
    private bool _live;

    /// <summary>Takes a piece.</summary>
    internal void Add(ReadOnlySpan<char> text)
    {
        for (int end; (end = text.IndexOf('\n')) >= 0; text = text[(end + 1)..])
        {
            _rest.Append(text[..end]);
            Finish();
        }

        _rest.Append(text);
        if (_rest.Length > Longest)
        {
            Finish();
        }
        else if (live is not null && _rest.Length > 0 && _rest[0] == '\r')
        {
            _live = true;
            live(Visible());
        }
    }

    /// <summary>Gives out what is left without a line end.</summary>
    internal void End()
    {
        if (_rest.Length > 0)
        {
            Finish();
        }
    }

    private void Finish()
    {
        string text = Visible();
        _rest.Clear();
        if (_live)
        {
            _live = false;
            live!("");
        }

        line(text);
    }

    // What stands behind the last return to the line's beginning.
    private string Visible()
    {
        string text = _rest.ToString().TrimEnd('\r');
        text = text[(text.LastIndexOf('\r') + 1)..];
        return text.StartsWith(Clear, StringComparison.Ordinal) ? text[Clear.Length..] : text;
    }
}
