using System.Text;

namespace GenoSeq.Torch.Safetensors;

/// <summary>A safetensors file, index or set of tensors that cannot be accepted. The message is one sentence that names
/// the file and the tensor, what is wrong, what was expected and what to try.</summary>
public sealed class SafetensorsException : Exception
{
    internal SafetensorsException(
        string path, string? tensor, string problem, string expected, string advice, Exception? inner = null)
        : base(Compose(path, tensor, problem, expected, advice), inner)
    {
        Path = path;
        Tensor = tensor;
    }

    /// <summary>The file, or what the data was to be written to.</summary>
    public string Path { get; }

    /// <summary>The tensor concerned, or null when it is the file as a whole.</summary>
    public string? Tensor { get; }

    private static string Compose(string path, string? tensor, string problem, string expected, string advice)
    {
        var where = tensor is null ? path : $"{path}: tensor '{Printable(tensor)}'";
        return $"{where}: {problem}; expected {expected}; try {advice}";
    }

    /// <summary>Text from a file, fit for a terminal: no control characters, not longer than a line.</summary>
    internal static string Printable(string text)
    {
        const int Longest = 120;
        var printable = new StringBuilder();
        foreach (var character in text.AsSpan(0, Math.Min(text.Length, Longest)))
        {
            printable.Append(char.IsControl(character) || char.IsSurrogate(character) ? '?' : character);
        }

        return text.Length > Longest ? printable.Append("...").ToString() : printable.ToString();
    }
}
