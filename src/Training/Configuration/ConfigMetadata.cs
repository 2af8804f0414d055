using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace GenoSeq.Training.Configuration;

/// <summary>What binder and writer ask of source-generated metadata.</summary>
internal static class ConfigMetadata
{
    /// <summary>Properties that a configuration sets; derived (get-only) and ignored ones are left out.</summary>
    public static IEnumerable<JsonPropertyInfo> Settable(JsonTypeInfo type) =>
        type.Properties.Where(p => p.Get is not null && (p.Set is not null || p.AssociatedParameter is not null));

    /// <summary>Metadata of a property's value.</summary>
    public static JsonTypeInfo Of(JsonTypeInfo owner, Type type) => owner.Options.GetTypeInfo(type);

    /// <summary>True when the property may be null.</summary>
    public static bool AllowsNull(JsonPropertyInfo property) =>
        Nullable.GetUnderlyingType(property.PropertyType) is not null
        || (!property.PropertyType.IsValueType && (property.IsSetNullable || property.AssociatedParameter?.IsNullable == true));

    /// <summary>
    /// The type that a polymorphic group's discriminator chooses; the type itself when it is not polymorphic; null when the
    /// discriminator is missing or unknown.
    /// </summary>
    public static JsonTypeInfo? Concrete(JsonTypeInfo type, JsonObject group)
    {
        if (type.PolymorphismOptions is not { } polymorphism)
        {
            return type;
        }

        string? chosen = Text(group[polymorphism.TypeDiscriminatorPropertyName]);
        foreach (JsonDerivedType derived in polymorphism.DerivedTypes)
        {
            if (chosen is not null && Text(derived.TypeDiscriminator) == chosen)
            {
                return Of(type, derived.DerivedType);
            }
        }

        return null;
    }

    /// <summary>The metadata of a value's own type when <paramref name="declared"/> is polymorphic, with its discriminator.</summary>
    public static (JsonTypeInfo Type, string? Key, string? Discriminator) Concrete(JsonTypeInfo declared, object value)
    {
        if (declared.PolymorphismOptions is { } polymorphism)
        {
            foreach (JsonDerivedType derived in polymorphism.DerivedTypes)
            {
                if (derived.DerivedType == value.GetType())
                {
                    string key = polymorphism.TypeDiscriminatorPropertyName;
                    return (Of(declared, derived.DerivedType), key, Text(derived.TypeDiscriminator));
                }
            }
        }

        return (declared, null, null);
    }

    /// <summary>The discriminators that a polymorphic type knows.</summary>
    public static IReadOnlyList<string> Choices(JsonTypeInfo type) =>
        [.. type.PolymorphismOptions!.DerivedTypes.Select(d => Text(d.TypeDiscriminator)).OfType<string>()];

    /// <summary>How a former key of a property becomes its present one (empty: as it is); null when it was not called so.</summary>
    public static string? FormerName(JsonPropertyInfo property, string key) =>
        property.AttributeProvider?.GetCustomAttributes(typeof(FormerNameAttribute), true).OfType<FormerNameAttribute>()
            .FirstOrDefault(f => f.Name == key)?.Change;

    /// <summary>The spellings of an enumeration's members in configuration.</summary>
    public static IReadOnlyList<string> EnumWords(JsonTypeInfo type)
    {
        Type underlying = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        return
        [
            .. Enum.GetNames(underlying).Select(name =>
                Text(JsonSerializer.SerializeToNode(Enum.Parse(underlying, name), type)) ?? name),
        ];
    }

    /// <summary>A new instance with the record's own defaults, or null when the type has no parameterless constructor.</summary>
    /// <remarks>
    /// The constructor comes from the generated metadata, which names it in a form that trimming understands. `required` is a
    /// rule of the compiler only, so required properties are left at their zero, and the checker has seen to it that they are given.
    /// </remarks>
    public static object? NewDefault(JsonTypeInfo type)
    {
        if (type.CreateObject is { } create)
        {
            return create();
        }

        return type.ConstructorAttributeProvider is ConstructorInfo constructor && constructor.GetParameters().Length == 0
            ? constructor.Invoke(null)
            : null;
    }

    private static string? Text(object? discriminator) =>
        discriminator is JsonValue value
            ? value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value.ToJsonString()
            : Convert.ToString(discriminator, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null;
}
