using System.CommandLine;
using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Models;
using GenoSeq.Models.Families;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq models</c>: families and presets.</summary>
internal static class ModelsCommand
{
    private static readonly (string Family, string What)[] s_families =
    [
        ("caduceus-ps", "bidirectional Mamba, reverse-complement equivariant by parameter sharing"),
        ("caduceus-ph", "bidirectional Mamba, strands averaged after the fact"),
        ("mamba", "causal Mamba-1"),
        ("transformer", "attention and SwiGLU, causal or bidirectional"),
        ("hybrid", "any layout of Mamba (M) and attention (A), with or without MLPs"),
    ];

    internal static Command Create(CommandRunner runner) =>
        runner.Verb("models", "Families and presets, with parameter counts", context => Task.FromResult(Run(context)))
            .WithExample("genoseq models", "All of them");

    private static int Run(CommandContext context)
    {
        var families = new ConsoleTable("family", "what it is");
        foreach ((string family, string what) in s_families)
        {
            families.Add(family, what);
        }

        families.WriteToOut(context.Streams);
        context.Streams.Out.WriteLine();
        var presets = new ConsoleTable("preset", "family", "d_model", "layers", "context", "parameters", "what it is");
        foreach (ModelPreset p in ModelPresets.All)
        {
            using SequenceModel model = ModelFile.Create(p.Config);
            presets.Add(p.Name, p.Config.Family(), Text(p.Config.DModel), Text(p.Config.NLayer), Text(p.Context), Text(model.NumParameters), p.Description);
        }

        presets.WriteToOut(context.Streams);
        context.Streams.Out.WriteLine();
        context.Streams.Out.WriteLine($"checkpoint layouts: {string.Join(", ", ModelLayout.All.Select(l => l.Name))}");
        return ExitCodes.Ok;
    }

    private static string Text(long n) => n.ToString("N0", CultureInfo.InvariantCulture);
}
