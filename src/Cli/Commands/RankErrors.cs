using GenoSeq.Cli.Console;
using GenoSeq.Training.Distributed;

namespace GenoSeq.Cli.Commands;

/// <summary>How a verb that runs on several ranks says that it ends because of another rank.</summary>
internal static class RankErrors
{
    internal static RankWatch Watch(CommandContext context, string verb) => new()
    {
        Timeout = RankWatch.TimeoutOf(context.Streams.Variable),
        CodeOf = error => Errors.Catalog().Describe(error)[0].ExitCode,
        Tell = (sentence, code) =>
        {
            context.Reporter.EndProgress();
            ErrorReport.Write(context.Streams.Error, verb, new ErrorDescription(sentence, code)
            {
                Try = code == ExitCodes.Failed ? "--resume auto goes on from the last checkpoint" : null,
            });
            context.Streams.Error.Flush();
        },
    };
}
