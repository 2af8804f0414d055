using System.Text;

namespace GenoSeq.Data;

/// <summary>
/// Lines of a small text table (BED and the like), numbered from 1, with any line end; gzip is undone.
/// </summary>
internal static class TextLines
{
    internal static IEnumerable<(long Number, string Text)> Read(string path)
    {
        using InputFile file = InputFile.Open(path);
        using var reader = new StreamReader(file.Content, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            leaveOpen: true);
        long number = 0;
        while (reader.ReadLine() is string line)
        {
            number++;
            if (line.Contains('\0', StringComparison.Ordinal))
            {
                throw new InputDataException("this looks like binary data, not a text table", $"{path}, line {number}",
                    "a text file");
            }
            yield return (number, line);
        }
    }
}
