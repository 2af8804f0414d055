using GenoSeq.Torch;

namespace GenoSeq.Training.FineTuning.Suite;

/// <summary>What went wrong with a cell of a suite or a study, as its folder and the report have it.</summary>
internal static class CellError
{
    /// <summary>In a sentence: libtorch tells a full GPU in a dozen.</summary>
    internal static string Text(Exception e) => e is TorchOutOfMemoryException ? "out of memory: fewer processes at once (--jobs) leave each one more" : e.Message;

    /// <summary>
    /// Why a sweep is not decided without trials that failed: by no fault of their own, such as a full GPU, they may win when they are tried
    /// again. One that diverged is finished, and loses.
    /// </summary>
    /// <param name="failed">How many.</param>
    /// <param name="trials">Of how many.</param>
    /// <param name="first">The first of them.</param>
    internal static string Undecided(int failed, int trials, string first) => FormattableString.Invariant(
        $"its sweep is not decided: {failed} of {trials} trials failed (the first: {first}); the same command tries them again; without a candidate that can never run it is another sweep, in another --out");
}
