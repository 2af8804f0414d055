using GenoSeq.Data;

namespace GenoSeq.Inference.Output.AnnData;

/// <summary>Where an AnnData object is written: a hierarchy of groups and arrays with attributes.</summary>
internal abstract class AnnDataStore
{
    /// <summary>Attributes of a node: a text, or a list of texts.</summary>
    internal sealed record Attribute(string Name, string? Text, IReadOnlyList<string>? Texts = null);

    internal abstract void Group(string path, params Attribute[] attributes);

    /// <summary>Numbers [rows, width] from a stream of them.</summary>
    internal abstract void Matrix(string path, long rows, int width, Stream values, params Attribute[] attributes);

    internal abstract void Integers(string path, long count, IEnumerable<long> values, params Attribute[] attributes);

    internal abstract void Texts(string path, long count, IEnumerable<string> values, params Attribute[] attributes);

    /// <summary>One text without dimensions.</summary>
    internal abstract void Text(string path, string value, params Attribute[] attributes);

    /// <summary>Whether an output that is there may be replaced.</summary>
    internal static void RefuseExisting(string path, bool force, Func<string, bool> isOurs)
    {
        bool there = File.Exists(path) || Directory.Exists(path);
        if (there && !force)
        {
            throw new OutputException(OutputProblem.Refused, "the output exists", path, "a new name", "another name, or --force to replace it");
        }

        if (there && !isOurs(path))
        {
            throw new OutputException(OutputProblem.Refused, "the output exists and is something else", path, "an output of the same format", "another name");
        }
    }
}
