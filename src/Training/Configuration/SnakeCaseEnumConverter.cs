using System.Text.Json.Serialization;

namespace GenoSeq.Training.Configuration;

/// <summary>
/// Reads and writes an enumeration as lower-case words: put <c>[JsonConverter(typeof(SnakeCaseEnumConverter&lt;T&gt;))]</c>
/// on it. Numbers are refused. Where the field's spelling differs (<c>bf16</c>), put <c>[JsonStringEnumMemberName]</c> on the member.
/// </summary>
/// <typeparam name="TEnum">The enumeration.</typeparam>
public sealed class SnakeCaseEnumConverter<TEnum>() : JsonStringEnumConverter<TEnum>(ConfigNames.Policy, allowIntegerValues: false)
    where TEnum : struct, Enum;
