using System.CommandLine;
using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Models;
using GenoSeq.Torch;
using GenoSeq.Torch.Safetensors;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.Engine;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq verify</c>: a model against recorded outputs of another implementation.</summary>
internal sealed class VerifyCommand
{
    private readonly Option<string?> _config = new("--config") { Description = "The model's config.json", HelpName = "FILE" };
    private readonly Option<string?> _weights = new("--weights") { Description = "Its weights (safetensors file, index or folder)", HelpName = "FILE" };

    private readonly Option<string> _reference = new("--reference")
    {
        Description = "Recorded input_ids, logits, and where present labels, hidden_states, loss, grad.NAME; or a recorded selective scan, which needs no model",
        Required = true,
        HelpName = "IO.safetensors",
    };

    private readonly Option<double> _tolerance = new("--tolerance")
    {
        Description = "Of logits and hidden states; a tenth of it for the loss, ten times for each gradient's relative norm",
        DefaultValueFactory = _ => 1e-4,
        HelpName = "X",
    };

    private readonly Option<string> _device = new("--device")
    {
        Description = "Where the model runs; a GPU is one more path for a recorded scan",
        DefaultValueFactory = _ => "cpu",
        HelpName = "cpu|cuda|cuda:N",
    };

    internal static Command Create(CommandRunner runner)
    {
        var self = new VerifyCommand();
        Command verb = runner.Verb("verify", "Compare a model with recorded outputs of another implementation", context => Task.FromResult(self.Run(context)));
        verb.Add(self._config);
        verb.Add(self._weights);
        verb.Add(self._reference);
        verb.Add(self._tolerance);
        verb.Add(self._device);
        return verb.WithExample(
            "genoseq verify --config config.json --weights model.safetensors --reference recorded.safetensors", "Logits, loss and gradients")
            .WithExample("genoseq verify --reference selective_scan.safetensors", "The scan kernels alone, on every path of this machine");
    }

    private int Run(CommandContext context)
    {
        Compute.Use(context);
        IReadOnlyList<VerificationRow> rows = Compare(context, context.Parse.GetValue(_tolerance));
        var table = new ConsoleTable("quantity", "max abs difference", "relative norm", "error", "tolerance", "result");
        foreach (VerificationRow r in rows)
        {
            table.Add(r.Name, Text(r.MaxAbsolute), Text(r.RelativeNorm), Text(r.Error), Text(r.Tolerance), r.Passed ? "ok" : "OVER");
        }

        table.WriteToOut(context.Streams);
        int over = rows.Count(r => !r.Passed);
        context.Reporter.Info(rows.Count == 0 ? "nothing was recorded to compare" : $"{rows.Count - over} of {rows.Count} quantities agree");
        return over == 0 && rows.Count > 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private IReadOnlyList<VerificationRow> Compare(CommandContext context, double tolerance)
    {
        string? config = context.Parse.GetValue(_config);
        string? weights = context.Parse.GetValue(_weights);
        Device device = ComputeDevice.Require(context.Parse.GetValue(_device)!);
        using SequenceModel? model = config is null || weights is null ? null : ModelFile.Load(config, weights);
        using SafetensorsCheckpoint reference = SafetensorsCheckpoint.Open(context.Parse.GetValue(_reference)!);
        if (model is not null)
        {
            if (device.Type != DeviceType.CPU)
            {
                model.to(device);
            }

            return Verification.Run(model, ModelFile.ReadConfig(config!).Layout, reference, tolerance);
        }

        return config is null && weights is null && ScanVerification.Recognizes(reference)
            ? ScanVerification.Run(reference, tolerance, device.Type == DeviceType.CPU ? null : device)
            : throw new ConfigException(new ConfigProblem(config is null ? "--config" : "--weights", "a model is needed to compare with this recording",
                null, "--config FILE and --weights FILE", "genoseq verify --help"));
    }

    private static string Text(double x) => x.ToString("0.00e+00", CultureInfo.InvariantCulture);
}
