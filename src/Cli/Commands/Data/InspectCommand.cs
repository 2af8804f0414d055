using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using GenoSeq.Cli.Console;
using GenoSeq.Data;

namespace GenoSeq.Cli.Commands.Data;

/// <summary><c>genoseq data inspect</c>: what a file is, by its content.</summary>
internal sealed class InspectCommand
{
    private readonly Argument<string[]> _files = new("FILE") { Description = "Any file; - for standard input", Arity = ArgumentArity.OneOrMore };
    private readonly Option<int> _records = new("--records", "-n") { Description = "First records to show", DefaultValueFactory = _ => 5, HelpName = "N" };
    private readonly Option<bool> _json = new("--json") { Description = "One JSON object a line" };

    private InspectCommand() => _records.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int>() < 0)
        {
            result.AddError("--records takes an integer of at least 0.");
        }
    });

    internal static Command Create(CommandRunner runner)
    {
        var self = new InspectCommand();
        Command verb = runner.Verb("inspect", "Detected format and compression, line ends, alphabet, first records",
            context => Task.FromResult(self.Run(context)));
        verb.Add(self._files);
        verb.Add(self._records);
        verb.Add(self._json);
        return verb.WithExample("genoseq data inspect data/phix174.fa.gz", "What it is")
            .WithExample("genoseq data inspect --json -n 0 reads.fq.gz", "For a script");
    }

    private int Run(CommandContext context)
    {
        bool failed = false;
        foreach (string file in context.Parse.GetValue(_files)!)
        {
            try
            {
                FileInspection found = FileInspection.Of(file, context.Parse.GetValue(_records));
                context.Streams.Out.Write(context.Parse.GetValue(_json) ? Json(found) : Text(found));
            }
            catch (InputDataException e)
            {
                failed = true;
                ErrorReport.Write(context.Streams.Error, "data inspect",
                    new ErrorDescription(e.What, ExitCodes.BadInput) { Where = e.Where ?? file, Expected = e.Expected, Try = e.Try });
            }
        }
        return failed ? ExitCodes.BadInput : ExitCodes.Ok;
    }

    private static string Name(FormatKind kind) => kind.ToString().ToLowerInvariant();

    private static string Text(FileInspection f)
    {
        var text = new StringBuilder();
        void Line(string key, string? value)
        {
            if (value is not null)
            {
                text.Append(key.PadRight(13)).Append(value).Append('\n');
            }
        }
        Line("file", f.File);
        Line("format", Name(f.Format));
        Line("compression", f.Compression);
        Line("line ends", f.LineEnds);
        Line("line width", f.LineWidth?.ToString(CultureInfo.InvariantCulture));
        Line("alphabet", f.Alphabet);
        foreach (string record in f.Records)
        {
            Line("record", record);
        }
        return text.ToString();
    }

    private static string Json(FileInspection f)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("file", f.File);
            json.WriteString("format", Name(f.Format));
            json.WriteString("compression", f.Compression);
            json.WriteString("line_ends", f.LineEnds);
            if (f.LineWidth is int width)
            {
                json.WriteNumber("line_width", width);
            }
            else
            {
                json.WriteNull("line_width");
            }
            json.WriteString("alphabet", f.Alphabet);
            json.WriteStartArray("records");
            foreach (string record in f.Records)
            {
                json.WriteStringValue(record);
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }
}
