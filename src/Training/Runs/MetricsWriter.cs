using System.Buffers;
using System.Text.Json;

namespace GenoSeq.Training.Runs;

/// <summary>Writes <c>metrics.jsonl</c>: one flat JSON object a line, the truth about a run.</summary>
/// <remarks>
/// <c>step</c>, <c>tokens</c>, <c>wall_s</c> come first, the other keys in ordinal order. Numbers are the shortest text that reads
/// back as the same double; NaN and the infinities are null, since JSON has none and a reader must not choke on one bad step. Every
/// line goes to the operating system in one write, so that a crash of the process loses nothing and a reader may follow the file.
/// </remarks>
public sealed class MetricsWriter : IDisposable
{
    private readonly FileStream _stream;
    private readonly ArrayBufferWriter<byte> _buffer = new(512);
    private readonly Utf8JsonWriter _json;
    private readonly Lock _gate = new();
    private readonly List<KeyValuePair<string, double>> _sorted = [];

    private MetricsWriter(FileStream stream)
    {
        _stream = stream;
        _json = new Utf8JsonWriter(_buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    /// <summary>Begins a new file.</summary>
    /// <exception cref="IOException">The file is there already.</exception>
    public static MetricsWriter Create(string path) => new(Open(path, FileMode.CreateNew));

    /// <summary>
    /// Continues a file after <paramref name="step"/>: later lines, and a last line torn by a crash, are cut off, so that the file
    /// ends as an uninterrupted run's would, apart from time.
    /// </summary>
    /// <exception cref="InvalidDataException">A line that is kept is not a line of metrics.</exception>
    public static MetricsWriter Resume(string path, long step)
    {
        FileStream stream = Open(path, FileMode.OpenOrCreate);
        try
        {
            stream.SetLength(MetricsReader.LengthThrough(stream, path, step));
            stream.Seek(0, SeekOrigin.End);
            return new MetricsWriter(stream);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Writes one line. Thread-safe.</summary>
    /// <param name="step">Optimizer steps finished.</param>
    /// <param name="tokens">Tokens seen.</param>
    /// <param name="wallSeconds">Seconds since the run began.</param>
    /// <param name="values">Other fields, such as <c>train/loss</c>.</param>
    /// <exception cref="ArgumentException">A key appears twice or is one of the three.</exception>
    public void Write(long step, long tokens, double wallSeconds, params ReadOnlySpan<(string Key, double Value)> values)
    {
        lock (_gate)
        {
            _sorted.Clear();
            foreach ((string key, double value) in values)
            {
                _sorted.Add(new(key, value));
            }

            _sorted.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
            RequireDistinct();
            _buffer.ResetWrittenCount();
            _json.Reset();
            _json.WriteStartObject();
            _json.WriteNumber("step"u8, step);
            _json.WriteNumber("tokens"u8, tokens);
            WriteValue("wall_s", wallSeconds);
            foreach ((string key, double value) in _sorted)
            {
                WriteValue(key, value);
            }

            _json.WriteEndObject();
            _json.Flush();
            _buffer.Write("\n"u8);
            _stream.Write(_buffer.WrittenSpan);
        }
    }

    /// <summary>Waits until all lines are on the disk: before a checkpoint that a later run continues from.</summary>
    public void Sync()
    {
        lock (_gate)
        {
            _stream.Flush(flushToDisk: true);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _json.Dispose();
        _stream.Dispose();
    }

    private static FileStream Open(string path, FileMode mode) =>
        new(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);

    private void RequireDistinct()
    {
        for (int i = 0; i < _sorted.Count; i++)
        {
            string key = _sorted[i].Key;
            if (key is "step" or "tokens" or "wall_s" || (i > 0 && key == _sorted[i - 1].Key))
            {
                throw new ArgumentException($"The metric '{key}' appears twice in one line.");
            }
        }
    }

    private void WriteValue(string key, double value)
    {
        if (double.IsFinite(value))
        {
            _json.WriteNumber(key, value);
        }
        else
        {
            _json.WriteNull(key);
        }
    }
}
