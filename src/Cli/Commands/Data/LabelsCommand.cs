using System.CommandLine;
using System.Globalization;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Cli.Commands.Data;

/// <summary><c>genoseq data labels</c>: what a labelled set holds, and what its parts share.</summary>
internal sealed class LabelsCommand
{
    private const int MostClassesShown = 50;

    private readonly Argument<string> _path = new("path") { Description = "File or folder of a labelled set" };
    private readonly Option<string?> _task = Text("--task", "Which set of a folder that holds several: the file names before '_train'", "NAME");
    private readonly Option<string?> _train = Text("--train", "File of the training part, in the folder", "FILE");
    private readonly Option<string?> _dev = Text("--dev", "File of the validation part", "FILE");
    private readonly Option<string?> _test = Text("--test", "File of the test part", "FILE");
    private readonly Option<string[]> _genome = new("--genome") { Description = "FASTA files that interval tables refer to", HelpName = "FASTA" };
    private readonly Option<string?> _sequence = Text("--sequence", "Column of the sequence", "COLUMN");
    private readonly Option<string?> _second = Text("--second", "Column of the second sequence of a pair", "COLUMN");
    private readonly Option<string[]> _label = new("--label") { Description = "Column of the label; several make multi-label or several targets", HelpName = "COLUMN" };
    private readonly Option<string?> _id = Text("--id", "Column of the identifier", "COLUMN");
    private readonly Option<string?> _split = Text("--split", "Column of the part", "COLUMN");
    private readonly Option<LabelKind?> _kind = new("--kind") { Description = "What the labels are [default: found in them]", HelpName = "class|number|multilabel|perbase|none" };
    private readonly Option<string[]> _class = new("--class") { Description = "A class, in the order of the indices [default: those that occur, sorted]", HelpName = "NAME" };
    private readonly Option<string[]> _track = new("--track") { Description = "A BED file over the genome that labels the bases of places: a class, called as the file", HelpName = "BED" };
    private readonly Option<char?> _labelSeparator = new("--label-separator") { Description = "Splits a label into several classes", HelpName = "CHAR" };
    private readonly Option<string?> _delimiter = Text("--delimiter", "Of tables: a character, or 'tab' [default: found in the first lines]", "CHAR");
    private readonly Option<bool> _noHeader = new("--no-header") { Description = "Tables begin with data; columns are called 1, 2, 3 and so on" };
    private readonly Option<char> _headerSeparator = new("--header-separator") { Description = "Between fields of FASTA headers", HelpName = "CHAR", DefaultValueFactory = _ => '|' };
    private readonly Option<int> _headerField = new("--header-field") { Description = "The label's field of FASTA headers, from 0; -1 is the last", HelpName = "N", DefaultValueFactory = _ => -1 };
    private readonly Option<double?> _holdOut = new("--hold-out") { Description = "Show the set with this share of each training class as validation part", HelpName = "SHARE" };
    private readonly Option<long> _seed = new("--seed") { Description = "Chooses the rows held out", HelpName = "N" };
    private readonly Option<bool> _dropLeaks = new("--drop-leaks") { Description = "Show the set without the training rows whose sequence validation or test has too" };
    private readonly Option<bool> _json = new("--json") { Description = "One JSON object on one line" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new LabelsCommand();
        Command verb = runner.Verb("labels", "Count the rows, classes and shared sequences of a labelled set", context => Task.FromResult(self.Run(context)));
        verb.Add(self._path);
        Option[] options =
        [
            self._task, self._train, self._dev, self._test, self._genome, self._sequence, self._second, self._label, self._id, self._split, self._kind, self._class, self._track,
            self._labelSeparator, self._delimiter, self._noHeader, self._headerSeparator, self._headerField, self._holdOut, self._seed, self._dropLeaks, self._json,
        ];
        foreach (Option option in options)
        {
            verb.Add(option);
        }

        return verb
            .WithExample("genoseq data labels GUE/prom/prom_300_tata", "A folder with train.csv, dev.csv and test.csv")
            .WithExample("genoseq data labels human_nontata_promoters --genome hg38.fa.gz", "Genomic Benchmarks' intervals")
            .WithExample("genoseq data labels tasks.fna --header-field 1", "Labels in FASTA headers")
            .WithExample("genoseq data labels ienhancer_2l --task layer1 --drop-leaks", "What is left to train on without leaks")
            .WithExample("genoseq data labels table.tsv --sequence dna --label activity --kind number --json", "A table with other column names");
    }

    private int Run(CommandContext context)
    {
        string[] genomes = context.Parse.GetValue(_genome) ?? [];
        using GenomeSource? genome = genomes.Length > 0 ? GenomeFiles.Open(genomes, new GenomeOpenOptions { Warn = context.Reporter.Warn }) : null;
        LabelledSetOptions options = Options(context.Parse, genome);
        IReadOnlyList<string> problems = options.Validate();
        double? holdOut = context.Parse.GetValue(_holdOut);
        if (holdOut is not (null or (> 0 and < 1)))
        {
            problems = [.. problems, "--hold-out must be above 0 and below 1"];
        }

        if (problems.Count > 0)
        {
            throw new ConfigException([.. problems.Select(p => new ConfigProblem("", p, null, null, "genoseq data labels --help"))]);
        }

        using LabelledSet read = LabelledSets.Open(context.Parse.GetValue(_path)!, options);
        LabelledSet set = read;
        if (holdOut is double share)
        {
            set = read.Rows(LabelledPart.Dev).Count == 0
                ? read.HoldOut(share, context.Parse.GetValue(_seed))
                : throw new ConfigException(new ConfigProblem("", "--hold-out with a set that has a validation part", null, "a set without one"));
        }

        if (context.Parse.GetValue(_dropLeaks))
        {
            LabelledLeaks leaks = LabelledLeaks.Find(set);
            set = set.DropLeaks(leaks);
            context.Reporter.Info($"{N(leaks.TrainingRows.Count)} training rows are left out: validation or test has their sequence, on either strand");
        }

        LabelsReport report = LabelsReport.Of(set);
        if (context.Parse.GetValue(_json))
        {
            context.Streams.Out.Write(report.ToJson() + "\n");
        }
        else
        {
            Write(context.Streams, set, report);
        }

        foreach (string warning in report.Warnings)
        {
            context.Reporter.Warn(warning);
        }

        return ExitCodes.Ok;
    }

    private LabelledSetOptions Options(ParseResult parse, GenomeSource? genome) => new()
    {
        Task = parse.GetValue(_task),
        TrainFile = parse.GetValue(_train),
        DevFile = parse.GetValue(_dev),
        TestFile = parse.GetValue(_test),
        Genome = genome,
        SequenceColumn = parse.GetValue(_sequence),
        SecondSequenceColumn = parse.GetValue(_second),
        LabelColumns = parse.GetValue(_label) ?? [],
        IdColumn = parse.GetValue(_id),
        PartColumn = parse.GetValue(_split),
        Kind = parse.GetValue(_kind),
        Classes = parse.GetValue(_class) is { Length: > 0 } classes ? classes : null,
        Tracks = parse.GetValue(_track) ?? [],
        MultiLabelSeparator = parse.GetValue(_labelSeparator),
        Delimiter = parse.GetValue(_delimiter) switch
        {
            null => null,
            "tab" or "\\t" => '\t',
            { Length: 1 } one => one[0],
            string other => throw new ConfigException(new ConfigProblem("", $"the delimiter '{other}'", null, "one character, or 'tab'")),
        },
        HasHeader = !parse.GetValue(_noHeader),
        FastaSeparator = parse.GetValue(_headerSeparator),
        FastaField = parse.GetValue(_headerField),
    };

    private static void Write(ConsoleStreams streams, LabelledSet set, LabelsReport report)
    {
        var parts = new ConsoleTable("part", ">rows", ">bases", ">min", ">mean", ">max", ">repeats");
        foreach (LabelsReport.PartRow p in report.Parts)
        {
            parts.Add(p.Name, N(p.Rows), N(p.Bases), N(p.Min), p.Mean.ToString("F1", CultureInfo.InvariantCulture), N(p.Max), N(p.Repeats.Equal));
        }

        parts.WriteToOut(streams);
        if (set.Kind is LabelKind.Class or LabelKind.MultiLabel or LabelKind.PerBase)
        {
            streams.Out.WriteLine();
            var classes = new ConsoleTable([">index", "class", .. report.Parts.Select(p => ">" + p.Name)]);
            for (int c = 0; c < Math.Min(set.LabelNames.Count, MostClassesShown); c++)
            {
                classes.Add([N(c), set.LabelNames[c], .. report.Parts.Select(p => N(p.Classes[c]))]);
            }

            classes.WriteToOut(streams);
            if (set.LabelNames.Count > MostClassesShown)
            {
                streams.Out.WriteLine($"... and {N(set.LabelNames.Count - MostClassesShown)} more");
            }
        }

        if (report.Shared.Count > 0)
        {
            streams.Out.WriteLine();
            var shared = new ConsoleTable("parts", ">shared sequences", ">with reverse complements", ">rows of either", ">other label");
            foreach (LabelledOverlap o in report.Shared)
            {
                shared.Add($"{LabelsReport.NameOf(o.A)}, {LabelsReport.NameOf(o.B)}", N(o.Equal), N(o.WithReverseComplements),
                    $"{N(o.RowsOfA)}, {N(o.RowsOfB)}", N(o.OtherLabel));
            }

            shared.WriteToOut(streams);
        }

        streams.Out.WriteLine();
        streams.Out.WriteLine($"{set.Name}: {N(set.Count)} {(set.HasPairs ? "pairs" : "rows")}, labels: {report.Kind}, sha256 {set.Sha256}");
    }

    private static Option<string?> Text(string name, string description, string value) => new(name) { Description = description, HelpName = value };

    private static string N(long n) => n.ToString("N0", CultureInfo.InvariantCulture);
}
