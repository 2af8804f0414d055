using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace GenoSeq.Training.Configuration;

/// <summary>Binds a <see cref="ConfigTree"/> to a record through System.Text.Json's source-generated metadata.</summary>
/// <remarks>
/// The context must use <c>PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower</c>. No reflection over unknown types
/// takes place, so the program can be trimmed. Three passes: every key and value is checked against the metadata and all
/// problems are collected; absent keys are filled with the record's own defaults; the completed tree is deserialized and every
/// record in it validated.
/// </remarks>
public static class ConfigBinder
{
    /// <summary>The record that <paramref name="tree"/> describes.</summary>
    /// <param name="tree">Preset, file and overrides, merged.</param>
    /// <param name="typeInfo">The record's source-generated metadata.</param>
    /// <param name="validate">
    /// Problems of a record that cannot implement <see cref="IValidated"/>, called for every record in the result; null or
    /// nothing when it is sound.
    /// </param>
    /// <exception cref="ConfigException">All problems found: unknown keys, wrong types, missing keys, failed validation.</exception>
    /// <exception cref="ArgumentException">The metadata does not use the naming policy of <see cref="ConfigNames"/>.</exception>
    public static T Bind<T>(
        ConfigTree tree, JsonTypeInfo<T> typeInfo, Func<object, IEnumerable<string>?>? validate = null)
        where T : class
    {
        if (typeInfo.Options.PropertyNamingPolicy != ConfigNames.Policy)
        {
            throw new ArgumentException("The serialization context must use the snake_case_lower naming policy.", nameof(typeInfo));
        }

        JsonObject root = tree.ToNode();
        ConfigChecker checker = new(tree);
        checker.Check(root, typeInfo, string.Empty);
        checker.ThrowIfAny();

        ConfigDefaults.Fill(root, typeInfo, fallback: null);
        T bound;
        try
        {
            bound = JsonSerializer.Deserialize(root, typeInfo) ?? throw new InvalidOperationException("An object bound to null.");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException or FormatException)
        {
            // What the checks cannot foresee: a custom converter's or a constructor's own refusal.
            string path = (error as JsonException)?.Path?.TrimStart('$').TrimStart('.') ?? string.Empty;
            throw new ConfigException(new ConfigProblem(path, error.Message, tree.LocationOf(path)));
        }

        ConfigValidation validation = new(tree, validate);
        validation.Visit(bound, typeInfo, string.Empty);
        validation.ThrowIfAny();
        return bound;
    }
}
