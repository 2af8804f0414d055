using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using GenoSeq.Cli.Commands.Doctor;
using GenoSeq.Cli.Console;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq doctor</c>: what this machine has of what the program can use, and the cure for what is missing.</summary>
internal sealed class DoctorCommand
{
    private const string Cuda = "cuda";

    private readonly Option<bool> _json = new("--json") { Description = "One JSON object" };

    private readonly Option<bool> _check = new("--check") { Description = "Compile and run a small kernel on every CUDA device, and compare its results" };

    private readonly Option<string?> _require = new Option<string?>("--require")
    {
        Description = "Exit with 4 unless GPUs can be used: driver, device, libtorch and NVRTC",
        HelpName = Cuda,
    }.AcceptOnlyFromAmong(Cuda);

    internal static Command Create(CommandRunner runner)
    {
        var self = new DoctorCommand();
        Command verb = runner.Verb("doctor", "What this machine has, and what is missing", context => Task.FromResult(self.Run(context)));
        verb.Add(self._json);
        verb.Add(self._check);
        verb.Add(self._require);
        return verb
            .WithExample("genoseq doctor", "Processor, libraries, GPUs, and the cure for what is missing")
            .WithExample("genoseq doctor --require cuda --check", "Can this machine train on its GPUs?");
    }

    private int Run(CommandContext context)
    {
        bool cuda = context.Parse.GetValue(_require) == Cuda;
        Finding[] findings = [.. MachineExamination.Run(cuda), .. CudaExamination.Run(cuda, context.Parse.GetValue(_check))];
        bool well = findings.All(f => f.State != FindingState.Missing);
        if (context.Parse.GetValue(_json))
        {
            context.Streams.Out.WriteLine(ToJson(findings, well).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        }
        else
        {
            Print(context, findings);
        }

        return well ? ExitCodes.Ok : ExitCodes.MissingResource;
    }

    private static void Print(CommandContext context, Finding[] findings)
    {
        var table = new ConsoleTable("what", "state", "found");
        foreach (Finding f in findings)
        {
            table.Add(f.Name, f.State switch { FindingState.Ok => "ok", FindingState.Absent => "absent", _ => "MISSING" }, f.Found);
        }

        table.WriteToOut(context.Streams);
        foreach (Finding f in findings.Where(f => f.Cure is not null))
        {
            context.Streams.Out.WriteLine($"{f.Name}: {(f.State == FindingState.Missing ? "to do" : "if wanted")}: {f.Cure}");
        }
    }

    // Devices and their checks may be several, and are lists; everything else is one.
    private static JsonObject ToJson(Finding[] findings, bool well)
    {
        var json = new JsonObject { ["ok"] = well };
        var devices = new JsonArray();
        var checks = new JsonArray();
        foreach (Finding f in findings)
        {
            switch (f.Key)
            {
                case "device":
                    devices.Add((JsonNode)f.ToJson());
                    break;
                case "check":
                    checks.Add((JsonNode)f.ToJson());
                    break;
                default:
                    json[f.Key] = f.ToJson();
                    break;
            }
        }

        json["devices"] = devices;
        json["checks"] = checks;
        return json;
    }
}
