using System.Reflection;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Runs;

namespace GenoSeq.Cli.Console;

/// <summary>Knows how to describe exceptions; each project's own are registered by the program.</summary>
public sealed class ErrorCatalog
{
    private readonly Dictionary<Type, Func<Exception, IReadOnlyList<ErrorDescription>>> _describers = [];

    /// <summary>A catalog of the runtime's, the configuration's and the run folder's exceptions.</summary>
    public static ErrorCatalog CreateDefault()
    {
        ErrorCatalog catalog = new();
        catalog.RegisterMany<ConfigException>(error => [.. error.Problems.Select(Describe)]);
        catalog.Register<RunFolderException>(error => new ErrorDescription(error.What, ExitCodes.Usage)
        {
            Where = error.Where,
            Expected = error.Expected,
            Try = error.Try,
        });
        catalog.Register<FileNotFoundException>(error => Missing(error.FileName ?? error.Message));
        catalog.Register<DirectoryNotFoundException>(error => Missing(error.Message));
        catalog.Register<InvalidDataException>(error => new ErrorDescription(error.Message, ExitCodes.BadInput));
        catalog.Register<EndOfStreamException>(error => new ErrorDescription(error.Message, ExitCodes.BadInput));
        catalog.Register<OperationCanceledException>(_ => new ErrorDescription("interrupted", ExitCodes.Interrupted));
        catalog.Register<OutOfMemoryException>(_ => new ErrorDescription("not enough memory", ExitCodes.MissingResource)
        {
            Try = "a smaller batch or context, or a machine with more memory",
        });
        catalog.Register<DllNotFoundException>(error => new ErrorDescription(error.Message, ExitCodes.MissingResource)
        {
            Expected = "the native library to be installed",
        });
        return catalog;
    }

    /// <summary>Describes <typeparamref name="T"/> and what derives from it, unless that is registered itself.</summary>
    public ErrorCatalog Register<T>(Func<T, ErrorDescription> describe)
        where T : Exception => RegisterMany<T>(error => [describe(error)]);

    /// <summary>Describes an exception that reports several errors; the first one's exit code counts.</summary>
    public ErrorCatalog RegisterMany<T>(Func<T, IReadOnlyList<ErrorDescription>> describe)
        where T : Exception
    {
        _describers[typeof(T)] = error => describe((T)error);
        return this;
    }

    /// <summary>The errors that <paramref name="error"/> reports, at least one.</summary>
    public IReadOnlyList<ErrorDescription> Describe(Exception error)
    {
        Exception inner = error;
        while (inner is AggregateException { InnerExceptions.Count: 1 } or TargetInvocationException or TypeInitializationException
            && inner.InnerException is { } cause)
        {
            inner = cause;
        }

        for (Type? type = inner.GetType(); type is not null; type = type.BaseType)
        {
            if (_describers.TryGetValue(type, out var describe))
            {
                return describe(inner);
            }
        }

        if (inner is IOException or UnauthorizedAccessException)
        {
            return [new ErrorDescription(inner.Message, ExitCodes.Failed)];
        }

        return [new ErrorDescription($"{inner.Message} [{inner.GetType().Name}]", ExitCodes.Failed) { Try = "--debug for where this came from" }];
    }

    private static ErrorDescription Missing(string what) =>
        new("there is no such file or folder", ExitCodes.BadInput)
        {
            Where = what,
            Expected = "an existing file or folder",
            Try = "check the path; relative paths start at the current folder",
        };

    private static ErrorDescription Describe(ConfigProblem problem)
    {
        string at = problem.Location?.ToString() ?? string.Empty;
        string where = problem.Path.Length > 0 && at.Length > 0 ? $"{problem.Path}, {at}" : problem.Path + at;
        return new ErrorDescription(problem.What, ExitCodes.Usage)
        {
            Where = where.Length > 0 ? where : null,
            Expected = problem.Expected,
            Try = problem.Try,
        };
    }
}
