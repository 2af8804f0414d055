using System.Reflection;
using System.Text;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>
/// CUDA C++ text to compile: files embedded in this assembly, joined in order, under preprocessor definitions. Two programs
/// with the same files and definitions are equal, so that a device compiles each once.
/// </summary>
public sealed record KernelProgram
{
    private const string Prefix = "GenoSeq.Cuda.";

    private readonly string _key;

    /// <summary>Names the program.</summary>
    /// <param name="files">Files of <c>Kernels/Cuda/Source</c> in order; <c>common.cu</c> first.</param>
    /// <param name="definitions">Preprocessor definitions, each NAME=VALUE.</param>
    public KernelProgram(IReadOnlyList<string> files, params IReadOnlyList<string> definitions)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(definitions);
        Files = files;
        Definitions = definitions;
        _key = string.Join(' ', files) + " " + string.Join(' ', definitions);
    }

    /// <summary>Files in the order in which they are joined.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Preprocessor definitions, each NAME=VALUE.</summary>
    public IReadOnlyList<string> Definitions { get; }

    /// <summary>Text of one file.</summary>
    /// <exception cref="ArgumentException">There is no such file in the assembly.</exception>
    public static string Text(string file)
    {
        using Stream stream = typeof(KernelProgram).GetTypeInfo().Assembly.GetManifestResourceStream(Prefix + file)
            ?? throw new ArgumentException($"there is no kernel source '{file}' in this assembly", nameof(file));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>
    /// The whole text. Every file begins with a <c>#line</c> directive, so that the compiler's messages name the file and its
    /// own line numbers.
    /// </summary>
    public string Source()
    {
        var text = new StringBuilder();
        foreach (string file in Files)
        {
            text.Append("#line 1 \"").Append(file).Append("\"\n").Append(Text(file)).Append('\n');
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    public bool Equals(KernelProgram? other) => other is not null && _key == other._key;

    /// <inheritdoc/>
    public override int GetHashCode() => StringComparer.Ordinal.GetHashCode(_key);

    /// <inheritdoc/>
    public override string ToString() => _key;
}
