using System.Text;
using System.Text.Json;

namespace GenoSeq.Training.Configuration;

/// <summary>One word, three spellings: property <c>DModel</c>, key <c>d_model</c>, flag <c>--d-model</c>.</summary>
public static class ConfigNames
{
    /// <summary>The policy that names keys; every serialization context of a configuration record must use it.</summary>
    public static JsonNamingPolicy Policy => JsonNamingPolicy.SnakeCaseLower;

    /// <summary>The key (<c>d_model</c>) for any of the three spellings.</summary>
    public static string ToKey(string name)
    {
        if (name.StartsWith("--", StringComparison.Ordinal))
        {
            return name[2..].Replace('-', '_');
        }

        return Policy.ConvertName(name).Replace('-', '_');
    }

    /// <summary>The flag (<c>--d-model</c>) for any of the three spellings.</summary>
    public static string ToFlag(string name) => "--" + ToKey(name).Replace('_', '-');

    /// <summary>The property (<c>DModel</c>) for any of the three spellings.</summary>
    public static string ToProperty(string name)
    {
        StringBuilder property = new(name.Length);
        bool startOfWord = true;
        foreach (char c in ToKey(name))
        {
            if (c == '_')
            {
                startOfWord = true;
                continue;
            }

            property.Append(startOfWord ? char.ToUpperInvariant(c) : c);
            startOfWord = false;
        }

        return property.ToString();
    }

    /// <summary>
    /// True when the property survives the road to its key and its flag and back. <c>BPB</c> and <c>GPUCount</c> do not
    /// (they would come back as <c>Bpb</c> and <c>GpuCount</c>); a test over every record keeps such names out.
    /// </summary>
    public static bool IsReversible(string property) =>
        ToProperty(ToKey(property)) == property && ToProperty(ToFlag(property)) == property;
}
