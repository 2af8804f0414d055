using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning.Suite;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.Studies;

/// <summary>The cells of a study, with the settings of each; and for each the trials that decide its learning rate.</summary>
internal sealed class StudyPlan
{
    private readonly Dictionary<string, (StudyCellConfig Config, JsonObject Json, string Sha256)> _settings = [];

    private StudyPlan(StudyRequest request)
    {
        Request = request;
        Folder = new StudyFolder(request.Out);
    }

    internal StudyRequest Request { get; }

    internal StudyFolder Folder { get; }

    /// <summary>Cells that were asked for, trials among them, in the order in which they are run.</summary>
    internal IReadOnlyList<StudyCell> Cells { get; private set; } = [];

    /// <summary>All cells of the study but trials, whether they were asked for or not.</summary>
    internal IReadOnlyList<StudyCell> All { get; private init; } = [];

    /// <summary>Lays out what was asked.</summary>
    /// <exception cref="ConfigException">A name is unknown, or settings are wrong.</exception>
    internal static StudyPlan Of(StudyRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        Study study = request.Study;
        if (request.Models.FirstOrDefault(m => study.Models.All(k => k.Name != m)) is { } unknown)
        {
            throw new ConfigException(new ConfigProblem("models", $"the study has no model '{unknown}'", null, string.Join(", ", study.Models.Select(m => m.Name))));
        }

        // Seed by seed, so that a study that is stopped early has something of everything.
        StudyCell[] all = [.. study.Config.Seeds.SelectMany((seed, i) => study.Models.Where(m => m.Reference is null || i == 0)
            .SelectMany(m => Grid(study, m).Select(at => new StudyCell(m, at, seed))))];
        StudyCell[] asked = [.. all.Where(c => (request.Models.Count == 0 || request.Models.Contains(c.Model.Name)) && (request.Seeds.Count == 0 || request.Seeds.Contains(c.Seed)))];
        var plan = new StudyPlan(request) { All = all };
        StudyCell[] trials = [.. asked.SelectMany(plan.TrialsOf).DistinctBy(c => c.File)];
        plan.Cells = [.. trials, .. asked];
        foreach (StudyCell cell in plan.Cells)
        {
            plan.SettingsOf(cell);
        }

        return plan;
    }

    /// <summary>The settings of a cell.</summary>
    /// <exception cref="ConfigException">They are wrong.</exception>
    internal (StudyCellConfig Config, JsonObject Json, string Sha256) SettingsOf(StudyCell cell)
    {
        string key = Path.GetDirectoryName(cell.File)!;
        if (!_settings.TryGetValue(key, out (StudyCellConfig Config, JsonObject Json, string Sha256) found))
        {
            StudyCellConfig config = cell.Settings(Request.Study.Base);
            JsonObject json = ConfigWriter.ToNode(config, StudyCellJson.Default.StudyCellConfig);
            if (cell.Model.Reference is { } reference)
            {
                json["reference"] = reference;
            }

            string digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(json.ToJsonString())));
            found = (config, json, digest);
            _settings[key] = found;
        }

        return found;
    }

    /// <summary>The trials that decide a cell's learning rate; none where there is nothing to decide.</summary>
    internal IReadOnlyList<StudyCell> TrialsOf(StudyCell cell)
    {
        Study study = Request.Study;
        if (cell.TrialRate is not null || cell.Model.Reference is not null || study.Config.LearningRates.Count < 2)
        {
            return [];
        }

        // Of axes without a sweep of their own, the first value that the model is run under decides.
        IReadOnlyList<(string Axis, StudyAxisValue Value)> at = Grid(study, cell.Model).First(g => g.Zip(cell.Conditions)
            .All(p => !study.Config.SweepOver.Contains(p.First.Axis) || p.First.Value.Value == p.Second.Value.Value));
        return [.. study.Config.LearningRates.Select(r => new StudyCell(cell.Model, at, study.Config.Seeds[0], r))];
    }

    /// <summary>The learning rate of a cell; null: its trials are not all settled.</summary>
    internal double? RateOf(StudyCell cell)
    {
        StudyConfig study = Request.Study.Config;
        if (cell.TrialRate is { } tried)
        {
            return tried;
        }

        IReadOnlyList<StudyCell> trials = TrialsOf(cell);
        if (trials.Count == 0)
        {
            return study.LearningRates.Count == 1 ? study.LearningRates[0] : SettingsOf(cell).Config.Train.LearningRate;
        }

        if (!trials.All(Folder.IsSettled))
        {
            return null;
        }

        StudyCell[] failed = [.. trials.Where(t => Folder.Record(t) is null)];
        if (failed.Length > 0)
        {
            throw new StudyCellException(CellError.Undecided(failed.Length, trials.Count, failed[0].ToString()));
        }

        bool higher = study.Metrics[0].Higher ?? false;
        (double Rate, double Value)[] results =
        [
            .. trials.Select(t => (t.TrialRate!.Value, Folder.Record(t)!.Validated ?? double.NaN)).Where(r => double.IsFinite(r.Item2)),
        ];
        return results.Length == 0
            ? throw new StudyCellException($"no trial of '{cell.Model.Name}' ended with a number; all its learning rates diverged")
            : (higher ? results.MaxBy(r => r.Value) : results.MinBy(r => r.Value)).Rate;
    }

    /// <summary>Refuses a folder whose finished cells were made with other settings.</summary>
    /// <exception cref="RunFolderException">There is one.</exception>
    internal void RequireSameSettings()
    {
        foreach (StudyCell cell in Cells)
        {
            if (Folder.Record(cell) is { } record && record.SettingsSha256 != SettingsOf(cell).Sha256
                && !RecordedSettings.Same(record.Settings, SettingsOf(cell).Json, s_defaults.Value))
            {
                throw new RunFolderException($"the cell {cell} was made with other settings: {Difference(record.Settings, SettingsOf(cell).Json)}", Folder.RecordFile(cell),
                    "the settings of the study", "another --out, or removing the file: the cell is then repeated");
            }
        }
    }

    private static readonly Lazy<JsonObject> s_defaults = new(() => ConfigWriter.ToNode(new StudyCellConfig(), StudyCellJson.Default.StudyCellConfig));

    private static IEnumerable<IReadOnlyList<(string Axis, StudyAxisValue Value)>> Grid(Study study, StudyModel model)
    {
        IEnumerable<IReadOnlyList<(string, StudyAxisValue)>> grid = [[]];
        foreach (StudyAxis axis in study.Axes)
        {
            grid = grid.SelectMany(g => axis.Values
                .Where(v => !(model.Except.TryGetValue(axis.Name, out IReadOnlyList<string>? not) && not.Contains(v.Value)))
                .Select(v => (IReadOnlyList<(string, StudyAxisValue)>)[.. g, (axis.Name, v)]));
        }

        return grid;
    }

    private static string Difference(JsonObject was, JsonObject now, string path = "")
    {
        foreach ((string key, JsonNode? value) in now)
        {
            JsonNode? old = was[key];
            if (value is JsonObject group && old is JsonObject oldGroup)
            {
                if (Difference(oldGroup, group, $"{path}{key}.") is { Length: > 0 } inside)
                {
                    return inside;
                }
            }
            else if (!JsonNode.DeepEquals(value, old))
            {
                return $"{path}{key} was {old?.ToJsonString() ?? "not there"} and is {value?.ToJsonString() ?? "null"}";
            }
        }

        return was.FirstOrDefault(k => !now.ContainsKey(k.Key)).Key is { } gone ? $"{path}{gone} is gone" : "";
    }
}
