using System.Text.Json.Nodes;

namespace GenoSeq.Cli.Commands.Doctor;

/// <summary>How it stands with a thing.</summary>
internal enum FindingState
{
    /// <summary>It is there.</summary>
    Ok,

    /// <summary>It is not there, and only some uses need it.</summary>
    Absent,

    /// <summary>It is not there, or it does not work, and it is needed.</summary>
    Missing,
}

/// <summary>What <c>genoseq doctor</c> found out about one thing.</summary>
/// <param name="Key">Its name in JSON.</param>
/// <param name="Name">Its name for people.</param>
/// <param name="State">How it stands.</param>
/// <param name="Found">What was found, in words.</param>
/// <param name="Cure">What to do about it, in one line; null: nothing.</param>
/// <param name="Facts">What was found, for programs.</param>
internal sealed record Finding(string Key, string Name, FindingState State, string Found, string? Cure, JsonObject Facts)
{
    internal static Finding Good(string key, string name, string found, JsonObject facts) => new(key, name, FindingState.Ok, found, null, facts);

    internal static Finding Lacking(string key, string name, bool needed, string found, string cure, JsonObject? facts = null) =>
        new(key, name, needed ? FindingState.Missing : FindingState.Absent, found, cure, facts ?? []);

    /// <summary>The facts with state and cure.</summary>
    internal JsonObject ToJson()
    {
        var json = new JsonObject { ["state"] = State.ToString().ToLowerInvariant() };
        foreach ((string key, JsonNode? value) in Facts)
        {
            json[key] = value?.DeepClone();
        }

        if (State != FindingState.Ok)
        {
            json["found"] = Found;
        }

        if (Cure is not null)
        {
            json["cure"] = Cure;
        }

        return json;
    }
}
