using System.Text.Json;

namespace GenoSeq.Training.Runs;

/// <summary>Reads <c>metrics.jsonl</c>.</summary>
public static class MetricsReader
{
    /// <summary>Every whole line; a last line torn by a crash is dropped.</summary>
    /// <exception cref="InvalidDataException">A line before the last is not a line of metrics; the error names file and line.</exception>
    public static IReadOnlyList<MetricsLine> Read(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        List<MetricsLine> lines = [];
        Scan(stream, path, (line, _) =>
        {
            lines.Add(line);
            return true;
        });
        return lines;
    }

    /// <summary>Bytes of the leading lines whose step is at most <paramref name="step"/>.</summary>
    internal static long LengthThrough(Stream stream, string path, long step)
    {
        long length = 0;
        Scan(stream, path, (line, end) =>
        {
            if (line.Step > step)
            {
                return false;
            }

            length = end;
            return true;
        });
        return length;
    }

    private static void Scan(Stream stream, string path, Func<MetricsLine, long, bool> visit)
    {
        using MemoryStream copy = new();
        stream.CopyTo(copy);
        ReadOnlySpan<byte> bytes = copy.GetBuffer().AsSpan(0, (int)copy.Length);
        long offset = 0;
        for (int number = 1; bytes.Length > 0; number++)
        {
            int end = bytes.IndexOf((byte)'\n');
            if (end < 0)
            {
                return;
            }

            bool last = end == bytes.Length - 1;
            MetricsLine? line = Parse(bytes[..end]);
            offset += end + 1;
            bytes = bytes[(end + 1)..];
            if (line is null)
            {
                // A torn write may be followed by a line feed of a later one; in the middle it is damage.
                if (last)
                {
                    return;
                }

                throw new InvalidDataException(FormattableString.Invariant(
                    $"{path}:{number}: not a line of metrics; expected one JSON object with step, tokens and wall_s"));
            }

            if (!visit(line, offset))
            {
                return;
            }
        }
    }

    private static MetricsLine? Parse(ReadOnlySpan<byte> utf8)
    {
        long? step = null;
        long? tokens = null;
        double? wall = null;
        Dictionary<string, double> values = new(StringComparer.Ordinal);
        try
        {
            Utf8JsonReader reader = new(utf8);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return null;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string key = reader.GetString()!;
                reader.Read();
                switch (key)
                {
                    case "step":
                        step = reader.GetInt64();
                        break;
                    case "tokens":
                        tokens = reader.GetInt64();
                        break;
                    case "wall_s":
                        wall = Number(ref reader);
                        break;
                    default:
                        values[key] = Number(ref reader);
                        break;
                }
            }

            return reader.TokenType == JsonTokenType.EndObject && step is { } s && tokens is { } t && wall is { } w
                ? new MetricsLine(s, t, w, values)
                : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static double Number(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.Null ? double.NaN : reader.GetDouble();
}
