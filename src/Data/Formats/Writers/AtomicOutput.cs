namespace GenoSeq.Data;

/// <summary>
/// An output file whose name always stands for a whole file: the bytes go to a temporary name in the same folder and,
/// with <see cref="Commit"/>, are synchronised to the disk and renamed. Disposed without it, nothing is left. <c>-</c> is
/// standard output.
/// </summary>
public sealed class AtomicOutput : IDisposable
{
    /// <summary>The name that stands for standard output.</summary>
    public const string StandardOutput = "-";

    private const int BufferSize = 1 << 16;

    private readonly string _path;
    private readonly string? _target;
    private readonly string? _temporary;
    private readonly bool _force;
    private readonly Stream _inner;
    private readonly OutputStream _stream;
    private bool _closed;

    private AtomicOutput(string path, string? target, string? temporary, bool force, Stream inner)
    {
        _path = path;
        _target = target;
        _temporary = temporary;
        _force = force;
        _inner = inner;
        _stream = new OutputStream(inner, path);
    }

    /// <summary>Where the bytes go. It can seek if the output is a file.</summary>
    public Stream Stream => _stream;

    /// <summary>Begins a file.</summary>
    /// <param name="path">Its final name, or <c>-</c>. A symbolic link is followed.</param>
    /// <param name="options">What may be replaced; null is the default, nothing.</param>
    /// <exception cref="OutputException">The file exists and may not be replaced, is an input, or cannot be
    /// made.</exception>
    public static AtomicOutput Create(string path, OutputOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new OutputOptions();
        if (path == StandardOutput)
        {
            return new AtomicOutput(
                "standard output", null, null, true, new BufferedStream(Data.StandardOutput.Open(), BufferSize));
        }
        try
        {
            string target = Resolve(path);
            // Devices, and the descriptors that a shell passes: nothing to rename.
            if (target.StartsWith("/dev/", StringComparison.Ordinal) || target.StartsWith("/proc/", StringComparison.Ordinal))
            {
                return new AtomicOutput(path, null, null, true,
                    new FileStream(target, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, BufferSize));
            }
            Check(path, target, options);
            TemporaryOutputName.RemoveStale(target);
            string temporary = TemporaryOutputName.For(target);
            return new AtomicOutput(path, target, temporary, options.Force, new FileStream(temporary, Options(target)));
        }
        catch (Exception e) when (e is (IOException or UnauthorizedAccessException) and not OutputException)
        {
            throw OutputException.From(e, path, 0);
        }
    }

    /// <summary>Makes the file whole under its name. Nothing can be written afterwards.</summary>
    /// <exception cref="OutputException">The disk is full, or another program made the file meanwhile.</exception>
    public void Commit()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        _stream.Try(() =>
        {
            if (_inner is FileStream file && _temporary is not null)
            {
                file.Flush(flushToDisk: true);
            }
            else
            {
                _inner.Flush();
            }
            _inner.Dispose();
            if (_temporary is not null)
            {
                Rename();
            }
        });
        _closed = true;
    }

    /// <summary>Removes what was written, unless it was committed.</summary>
    public void Dispose()
    {
        if (_closed)
        {
            return;
        }
        _closed = true;
        try
        {
            _inner.Dispose();
        }
        catch (IOException)
        {
            // A full disk again, while the buffer's rest is written to a file that goes away.
        }
        if (_temporary is not null)
        {
            TemporaryOutputName.Remove(_temporary);
        }
    }

    private static FileStreamOptions Options(string target)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = BufferSize,
        };
        if (!OperatingSystem.IsWindows() && File.Exists(target))
        {
            options.UnixCreateMode = File.GetUnixFileMode(target);
        }
        return options;
    }

    private static void Check(string path, string target, OutputOptions options)
    {
        foreach (string input in options.Inputs)
        {
            if (input != StandardOutput && Resolve(input) == target)
            {
                throw new OutputException(
                    OutputProblem.Refused, "this file is being read", path, "an output that is no input", "another name");
            }
        }
        if (Directory.Exists(target))
        {
            throw new OutputException(
                OutputProblem.Refused, "this is a folder", path, "the name of a file", "a name inside the folder");
        }
        if (!options.Force && File.Exists(target))
        {
            throw Exists(path);
        }
    }

    private static OutputException Exists(string path) => new(
        OutputProblem.Refused, "the file exists", path, "a new file", "another name, or --force to replace it");

    private static string Resolve(string path)
    {
        string full = Path.GetFullPath(path);
        return new FileInfo(full).LinkTarget is null
            ? full
            : File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
    }

    private void Rename()
    {
        try
        {
            File.Move(_temporary!, _target!, _force);
        }
        catch (IOException) when (!_force && File.Exists(_target))
        {
            throw Exists(_path);
        }
        Posix.SyncFolder(Path.GetDirectoryName(_target!)!);
    }
}
