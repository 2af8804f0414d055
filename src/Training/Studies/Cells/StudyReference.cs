using GenoSeq.Data;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Evaluation;

namespace GenoSeq.Training.Studies;

/// <summary>What models are compared with: count models fitted on the same training part, at the same held-out positions.</summary>
internal static class StudyReference
{
    /// <summary>Bits per base of a reference.</summary>
    /// <param name="name">uniform, or a baseline's name.</param>
    /// <param name="settings">The cell's settings.</param>
    /// <param name="data">The genomes.</param>
    internal static IEnumerable<StudyMeasurement> Run(string name, StudyCellConfig settings, LanguageData data)
    {
        double bits = 2;
        if (name != "uniform")
        {
            if (!BaselineName.TryParse(name, out _))
            {
                throw new StudyCellException($"there is no reference '{name}'; use uniform or a baseline of `genoseq data baseline`");
            }

            bits = BaselineReport.Bits(name, data.Genomes, data.TestBuilder(data.Genomes), data.TestSampler, data.TestWindows, settings.Objective.Kind == ObjectiveKind.Causal);
        }

        yield return new StudyMeasurement("bits_per_base", bits);
    }
}
