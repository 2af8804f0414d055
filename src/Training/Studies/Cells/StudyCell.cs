using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.Studies;

/// <summary>One run of a study: a model under one value of each axis with one seed, or a trial of a learning rate.</summary>
/// <param name="Model">The model.</param>
/// <param name="Conditions">A value of each axis.</param>
/// <param name="Seed">The seed.</param>
/// <param name="TrialRate">The learning rate that a trial tries; null: the cell itself.</param>
internal sealed record StudyCell(StudyModel Model, IReadOnlyList<(string Axis, StudyAxisValue Value)> Conditions, long Seed, double? TrialRate = null)
{
    /// <summary>Values of the axes by their names.</summary>
    internal IReadOnlyDictionary<string, string> At => Conditions.ToDictionary(c => c.Axis, c => c.Value.Value);

    /// <summary>Its file's path within each part of the folder, without an ending.</summary>
    internal string File => Path.Combine(FileName(Model.Name), Conditions.Count == 0 ? "all" : string.Join('_', Conditions.Select(c => $"{FileName(c.Axis)}-{FileName(c.Value.Value)}")),
        TrialRate is { } rate ? string.Create(CultureInfo.InvariantCulture, $"trial-{rate:R}-seed-{Seed}") : string.Create(CultureInfo.InvariantCulture, $"seed-{Seed}"));

    /// <summary>The settings of the cell's run but for seed and learning rate.</summary>
    /// <exception cref="ConfigException">They make none.</exception>
    internal StudyCellConfig Settings(ConfigTree start)
    {
        ConfigTree tree = start;
        foreach (StudyChange change in Model.Changes.Concat(Conditions.SelectMany(c => c.Value.Changes)))
        {
            tree = tree.With(change.Path, JsonNode.Parse(change.Json), change.Location);
        }

        return ConfigBinder.Bind(tree, StudyCellJson.Default.StudyCellConfig, StudyCellConfig.Problems);
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        string where = string.Concat(Conditions.Select(c => $", {c.Axis} {c.Value.Value}"));
        return string.Create(CultureInfo.InvariantCulture, $"{Model.Name}{where}, seed {Seed}{(TrialRate is { } r ? $", trial of rate {r:R}" : "")}");
    }

    /// <summary>A name as a file's: lower-case letters, digits, underscores and points, and hyphens for the rest.</summary>
    internal static string FileName(string name) => FileNames.Of(name, ".");
}
