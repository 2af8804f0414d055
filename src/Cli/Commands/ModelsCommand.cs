using System.CommandLine;
using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Models;
using GenoSeq.Models.Families;
using GenoSeq.Models.Mixers;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq models</c>: families, mixers and presets.</summary>
internal static class ModelsCommand
{
    private static readonly (string Family, string What)[] s_families =
    [
        ("caduceus-ps", "bidirectional Mamba, reverse-complement equivariant by parameter sharing"),
        ("caduceus-ph", "bidirectional Mamba, strands averaged after the fact"),
        ("mamba", "causal Mamba-1"),
        ("transformer", "attention and SwiGLU, causal or bidirectional"),
        ("hybrid", "any layout of the mixers below, with or without MLPs"),
        ("MIXER, MIXER-ph, MIXER-ps", "one of the other mixers throughout: causal, bidirectional, equivariant"),
    ];

    // What the mixers' costs are said for: the width of the published models, a window of middling length.
    private const int CostWidth = 256;
    private const int CostLength = 8192;

    private static readonly Dictionary<RecurrenceClass, string> s_recurrences = new()
    {
        [RecurrenceClass.Attention] = "attention, cache",
        [RecurrenceClass.Diagonal] = "E1 diagonal",
        [RecurrenceClass.ScalarDecay] = "E2 matrix, scalar decay",
        [RecurrenceClass.VectorDecay] = "E3 matrix, vector decay",
        [RecurrenceClass.DeltaRule] = "E4 matrix, delta rule",
        [RecurrenceClass.Convolution] = "E5 convolution",
        [RecurrenceClass.Sequential] = "E6 sequential",
        [RecurrenceClass.Network] = "network over chunks",
    };

    internal static Command Create(CommandRunner runner) =>
        runner.Verb("models", "Families, mixers and presets, with parameter counts", context => Task.FromResult(Run(context)))
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
        Mixers().WriteToOut(context.Streams);
        context.Streams.Out.WriteLine($"(for a layer of d_model {Text(CostWidth)} with default settings; in model.layout M is {MixerFamilies.Mamba}, A {MixerFamilies.Attention}, S {MixerFamilies.SharedAttention}, H {MixerFamilies.DynamicChunking})");
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

    private static ConsoleTable Mixers()
    {
        var table = new ConsoleTable("mixer", "recurrence", ">parameters", ">state bytes", $">MFLOP a token at {Text(CostLength)}", "what it is");
        var config = new ModelConfig { DModel = CostWidth };
        foreach (MixerFamily f in MixerFamilies.All)
        {
            MixerCost cost = MixerCost.Of(f, config, CostLength);
            table.Add(f.Name, s_recurrences[f.Class], Text(cost.Parameters), Text(cost.StateBytes) + (cost.Grows ? " each position" : ""),
                (cost.Flops / 1e6).ToString("0.00", CultureInfo.InvariantCulture), f.What);
        }

        return table;
    }

    private static string Text(long n) => n.ToString("N0", CultureInfo.InvariantCulture);
}
