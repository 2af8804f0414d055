using System.CommandLine;
using System.Diagnostics;
using System.Reflection;
using GenoSeq.Cli.Console;
using GenoSeq.Cli.Tests.Console;

namespace GenoSeq.Cli.Tests.Docs;

/// <summary>The checkout that the tests run in, and the program as its documents speak of it.</summary>
internal static class Checkout
{
    public static string Root => Repository.Root;

    /// <summary>README.md, CHANGELOG.md and every file of docs/, by path from the root.</summary>
    public static IReadOnlyList<string> Documents { get; } =
    [
        "README.md", "CHANGELOG.md",
        .. Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md").Select(f => $"docs/{Path.GetFileName(f)}").Order(StringComparer.Ordinal),
    ];

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    public static bool Exists(string path) => Path.Exists(Path.Combine(Root, path));

    /// <summary>The program's command tree; the runner keeps it to itself, as only tests want to parse without running.</summary>
    public static RootCommand Commands()
    {
        CommandRunner runner = Program.Create(new Captured().Streams);
        FieldInfo field = typeof(CommandRunner).GetField("_root", BindingFlags.Instance | BindingFlags.NonPublic)!;
        return (RootCommand)field.GetValue(runner)!;
    }

    /// <summary>Runs the real program in the checkout's root.</summary>
    public static async Task<(int Code, string Out, string Error)> RunAsync(params IEnumerable<string> arguments)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(host, [typeof(Program).Assembly.Location, .. arguments])
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }
}
