using GenoSeq.Data;

namespace GenoSeq.Training.Studies;

/// <summary>The data of cells.</summary>
internal static class StudyDataSets
{
    /// <summary>Opens what a cell trains on.</summary>
    /// <exception cref="InputDataException">Data are missing or broken.</exception>
    internal static IStudyData Open(StudyCellConfig settings, long seed) => settings.Kind switch
    {
        StudyKind.Language => new LanguageData(settings, seed),
        StudyKind.Task => new TaskData(settings, seed),
        _ => throw new StudyCellException($"kind {settings.Kind} trains nothing"),
    };
}
