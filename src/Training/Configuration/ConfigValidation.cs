using System.Collections;
using System.Text.Json.Serialization.Metadata;

namespace GenoSeq.Training.Configuration;

/// <summary>Visits every record of a bound configuration and collects what they say is wrong with them.</summary>
internal sealed class ConfigValidation(ConfigTree tree, Func<object, IEnumerable<string>?>? validate)
{
    private readonly List<ConfigProblem> _problems = [];

    public void ThrowIfAny()
    {
        if (_problems.Count > 0)
        {
            throw new ConfigException(_problems);
        }
    }

    public void Visit(object? value, JsonTypeInfo declared, string path)
    {
        switch (value)
        {
            case null:
                break;
            case not null when declared.Kind == JsonTypeInfoKind.Object:
                JsonTypeInfo type = ConfigMetadata.Concrete(declared, value).Type;
                Collect(value, type, path);
                foreach (JsonPropertyInfo property in ConfigMetadata.Settable(type))
                {
                    Visit(property.Get!(value), ConfigMetadata.Of(type, property.PropertyType), ConfigPath.Append(path, property.Name));
                }

                break;
            case IDictionary entries when declared.Kind == JsonTypeInfoKind.Dictionary:
                JsonTypeInfo entryType = ConfigMetadata.Of(declared, declared.ElementType!);
                foreach (DictionaryEntry entry in entries)
                {
                    Visit(entry.Value, entryType, ConfigPath.Append(path, entry.Key.ToString()!));
                }

                break;
            case IEnumerable items when declared.Kind == JsonTypeInfoKind.Enumerable:
                JsonTypeInfo element = ConfigMetadata.Of(declared, declared.ElementType!);
                int index = 0;
                foreach (object? item in items)
                {
                    Visit(item, element, ConfigPath.Append(path, index++));
                }

                break;
            default:
                break;
        }
    }

    private void Collect(object value, JsonTypeInfo type, string path)
    {
        foreach (string problem in (value as IValidated)?.Validate() ?? [])
        {
            Add(problem, type, path);
        }

        foreach (string problem in validate?.Invoke(value) ?? [])
        {
            Add(problem, type, path);
        }
    }

    private void Add(string problem, JsonTypeInfo type, string path)
    {
        string what = problem;
        int colon = problem.IndexOf(':', StringComparison.Ordinal);
        if (colon > 0 && type.Properties.Any(p => p.Name.AsSpan().SequenceEqual(problem.AsSpan(0, colon))))
        {
            path = ConfigPath.Append(path, problem[..colon]);
            what = problem[(colon + 1)..].Trim();
        }

        _problems.Add(new ConfigProblem(path, what, tree.LocationOf(path)));
    }
}
