using System.CommandLine;
using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Training.Configuration;
using GenoSeq.Training.FineTuning;

namespace GenoSeq.Cli.Commands;

/// <summary><c>genoseq predict</c>: a fine-tuned model's predictions for new sequences, as a table.</summary>
internal sealed class PredictCommand
{
    private readonly Option<string> _checkpoint = new("--checkpoint") { Description = "A run of `genoseq finetune`, of which validation's best seed is taken, or one seed's checkpoint: RUN/checkpoints/seed-N", HelpName = "DIR", Required = true };
    private readonly Option<string> _input = new("--input", "-i") { Description = "Sequences: FASTA, a table, or a folder, as for `genoseq data labels`; labels are not looked at", HelpName = "FILE", Required = true };
    private readonly Option<string> _out = new("--out", "-o") { Description = "The table", HelpName = "FILE", Required = true };
    private readonly Option<string?> _format = new("--format") { Description = "tsv or parquet [default: by the ending .parquet of the table's name, else tsv]", HelpName = "FORMAT" };
    private readonly Option<string?> _sequence = new("--sequence") { Description = "Column of the sequence", HelpName = "COLUMN" };
    private readonly Option<string[]> _genome = new("--genome") { Description = "FASTA files that interval tables refer to", HelpName = "FASTA" };
    private readonly Option<string> _device = new("--device") { Description = "cpu, cuda or cuda:N", HelpName = "DEVICE", DefaultValueFactory = _ => "cpu" };
    private readonly Option<int> _batch = new("--batch") { Description = "Sequences at a time", HelpName = "N", DefaultValueFactory = _ => 32 };

    internal static Command Create(CommandRunner runner)
    {
        var self = new PredictCommand();
        Command verb = runner.Verb("predict", "Predict labels with a fine-tuned model", context => Task.FromResult(self.Run(context)));
        Option[] options = [self._checkpoint, self._input, self._out, self._format, self._sequence, self._genome, self._device, self._batch];
        foreach (Option option in options)
        {
            verb.Add(option);
        }

        self._format.AcceptOnlyFromAmong("tsv", "parquet");
        return verb
            .WithExample("genoseq predict --checkpoint runs/promoters --input new.fa -o predictions.tsv", "Sequences of a FASTA file, by the best seed of a run")
            .WithExample("genoseq predict --checkpoint runs/promoters/checkpoints/seed-42 --input new.csv -o predictions.parquet", "By one seed, as Parquet");
    }

    private int Run(CommandContext context)
    {
        int batch = context.Parse.GetValue(_batch);
        if (batch < 1)
        {
            throw new ConfigException(new ConfigProblem("", "--batch must be at least 1", null, "a positive number"));
        }

        Compute.Use(context);
        var data = new LabelledDataConfig
        {
            Path = context.Parse.GetValue(_input)!,
            SequenceColumn = context.Parse.GetValue(_sequence),
            Genome = context.Parse.GetValue(_genome) ?? [],
        };
        string output = context.Parse.GetValue(_out)!;
        try
        {
            int rows = PredictRun.Run(context.Parse.GetValue(_checkpoint)!, data, context.Parse.GetValue(_device)!, batch, output,
                context.Parse.GetValue(_format) switch { "tsv" => TableFormat.Tsv, "parquet" => TableFormat.Parquet, _ => null }, context.Reporter.Info, context.Stop);
            context.Reporter.Info(string.Create(CultureInfo.InvariantCulture, $"{rows:N0} predictions in {output}"));
            return ExitCodes.Ok;
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
    }
}
