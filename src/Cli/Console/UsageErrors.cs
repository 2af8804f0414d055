using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Cli.Console;

/// <summary>Turns the parser's complaints into this program's form, with the nearest names.</summary>
internal static class UsageErrors
{
    /// <summary>Everything wrong with the command line; nothing when it is right.</summary>
    public static IReadOnlyList<ErrorDescription> Find(ParseResult parse, IReadOnlyList<string> arguments)
    {
        string help = $"{ErrorReport.Prefix(VerbOf(parse))} --help";
        List<ErrorDescription> errors = [];
        HashSet<string> unknown = [.. UnknownOptions(parse, arguments), .. parse.UnmatchedTokens];
        foreach (string token in unknown)
        {
            errors.Add(Unknown(parse, token, help));
        }

        foreach (ParseError error in parse.Errors)
        {
            // The parser repeats unknown words in words of its own, and misses the verb that a misspelt one would have been.
            bool repeated = unknown.Any(token => error.Message.Contains($"'{token}'", StringComparison.Ordinal));
            bool follows = unknown.Count > 0 && error.SymbolResult is CommandResult;
            if (!repeated && !follows)
            {
                errors.Add(new ErrorDescription(error.Message, ExitCodes.Usage) { Try = help });
            }
        }

        return errors;
    }

    /// <summary>The verb, with its parents: <c>config show</c>; empty for the program itself.</summary>
    public static string VerbOf(ParseResult parse)
    {
        List<string> names = [];
        for (SymbolResult? result = parse.CommandResult; result is CommandResult command && command.Parent is not null; result = command.Parent)
        {
            names.Insert(0, command.Command.Name);
        }

        return string.Join(' ', names);
    }

    // A verb that takes words (overrides, files) would swallow a misspelt option as one of them.
    private static IEnumerable<string> UnknownOptions(ParseResult parse, IReadOnlyList<string> arguments)
    {
        int end = arguments.TakeWhile(a => a != "--").Count();
        HashSet<string> before = [.. arguments.Take(end)];
        // What follows "--" are the last words, and may look like options.
        return parse.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens)
            .Select(token => token.Value)
            .SkipLast(Math.Max(0, arguments.Count - end - 1))
            .Where(value => value.Length > 1 && value[0] == '-' && before.Contains(value)
                && !double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _));
    }

    private static ErrorDescription Unknown(ParseResult parse, string token, string help)
    {
        bool option = token.StartsWith('-');
        string word = token.Split('=', 2)[0];
        IReadOnlyList<string> near = NearestName.Suggest(word, option ? Options(parse) : parse.CommandResult.Command.Subcommands.Select(c => c.Name));
        string what = option ? $"unknown option '{word}'"
            : parse.CommandResult.Command.Subcommands.Count > 0 ? $"unknown command '{token}'"
            : $"unexpected argument '{token}'";
        return new ErrorDescription(what, ExitCodes.Usage) { Try = near.Count > 0 ? $"{string.Join(" or ", near)}; {help}" : help };
    }

    private static IEnumerable<string> Options(ParseResult parse)
    {
        bool own = true;
        for (SymbolResult? result = parse.CommandResult; result is CommandResult command; result = command.Parent)
        {
            foreach (Option option in command.Command.Options.Where(o => !o.Hidden && (own || o.Recursive)))
            {
                yield return option.Name;
            }

            own = false;
        }
    }
}
