using System.Diagnostics;

namespace GenoSeq.Data.Tests;

/// <summary>Runs another program and gathers what it says.</summary>
internal static class Tool
{
    internal sealed record Result(int ExitCode, byte[] Out, string Error);

    internal static Result Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        using var output = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        return new Result(process.ExitCode, output.ToArray(), error.GetAwaiter().GetResult());
    }
}
