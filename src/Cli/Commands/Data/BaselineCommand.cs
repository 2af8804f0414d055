using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using GenoSeq.Cli.Console;
using GenoSeq.Data;
using GenoSeq.Training.Configuration;

namespace GenoSeq.Cli.Commands.Data;

/// <summary><c>genoseq data baseline</c>: bits per held-out base of count models, the yardstick of every model.</summary>
internal sealed class BaselineCommand
{
    private readonly Argument<string[]> _files = new("file") { Description = "FASTA files, plain or gzip; together one genome", Arity = ArgumentArity.OneOrMore, HelpName = "FILE" };
    private readonly Option<string> _orders = new("--orders") { Description = "Bases of context, 0 to 12: a number, A-B, or a list with commas", HelpName = "A-B", DefaultValueFactory = _ => "0-12" };
    private readonly Option<bool> _twoSided = new("--two-sided") { Description = "Half of the context on each side of the base (even orders), as for masked bases; else all of it before" };
    private readonly Option<double> _fraction = new("--validation-fraction") { Description = "Share of every contig, at its end, that is held out and scored", HelpName = "X", DefaultValueFactory = _ => 0.05 };
    private readonly Option<bool> _oneStrand = new("--one-strand") { Description = "Count the files' strand only, not its reverse complement too" };
    private readonly Option<double> _alpha = new("--alpha") { Description = "Weight of the next shorter context, in counts", HelpName = "X", DefaultValueFactory = _ => new CountModelOptions().Alpha };
    private readonly Option<bool> _mixed = new("--mixed") { Description = "A DNA compressor too: contexts of up to 24 bases before and repeats, mixed; as trained, and learning on as it reads" };
    private readonly Option<double> _memory = new("--memory-gib") { Description = "Memory of its tables at most", HelpName = "X", DefaultValueFactory = _ => 1 };
    private readonly Option<bool> _json = new("--json") { Description = "One JSON object a line instead of a table" };

    internal static Command Create(CommandRunner runner)
    {
        var self = new BaselineCommand();
        Command verb = runner.Verb("baseline", "Bits per base of count models on held-out bases", context => Task.FromResult(self.Run(context)));
        verb.Add(self._files);
        verb.Add(self._orders);
        verb.Add(self._twoSided);
        verb.Add(self._fraction);
        verb.Add(self._oneStrand);
        verb.Add(self._alpha);
        verb.Add(self._mixed);
        verb.Add(self._memory);
        verb.Add(self._json);
        return verb
            .WithExample("genoseq data baseline genome.fa.gz", "Markov chains of orders 0 to 12")
            .WithExample("genoseq data baseline genome.fa.gz --orders 12 --mixed", "A Markov chain of order 12 and a DNA compressor")
            .WithExample("genoseq data baseline genome.fa.gz --two-sided --orders 4,8 --json", "2 and 4 bases on each side, as JSON");
    }

    /// <summary>Orders from text such as <c>0-12</c> or <c>1,4,8-10</c>, ascending; null if it is none.</summary>
    internal static int[]? ParseOrders(string text)
    {
        var orders = new SortedSet<int>();
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || !TryOrder(ends[0], out int first) || !TryOrder(ends[^1], out int last) || last < first)
            {
                return null;
            }

            orders.UnionWith(Enumerable.Range(first, last - first + 1));
        }

        return [.. orders];

        static bool TryOrder(string text, out int order) =>
            int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out order) && order <= MarkovModel.MaxOrder;
    }

    private int Run(CommandContext context)
    {
        bool twoSided = context.Parse.GetValue(_twoSided);
        int[] orders = Orders(context.Parse.GetValue(_orders)!, twoSided);
        double fraction = context.Parse.GetValue(_fraction);
        double alpha = context.Parse.GetValue(_alpha);
        bool oneStrand = context.Parse.GetValue(_oneStrand);
        if (!(fraction is > 0 and < 1))
        {
            throw Problem("--validation-fraction", $"is {Text(fraction)}", "a number between 0 and 1", "--validation-fraction 0.05");
        }

        MixedOrderOptions mixing = Mixing(context, oneStrand);
        var counting = new CountModelOptions { Alpha = alpha, BothStrands = !oneStrand };
        if (counting.Validate() is [var problem, ..])
        {
            throw Problem("--alpha", problem, "a positive number", "--alpha 64");
        }

        string[] files = context.Parse.GetValue(_files)!;
        using GenomeSource genome = GenomeFiles.Open(files, new GenomeOpenOptions { Warn = context.Reporter.Warn });
        GenomeSplit split = GenomeSplit.Create(genome, new SplitOptions { ValidationFraction = fraction });
        int longest = twoSided ? orders[^1] / 2 : orders[^1];
        CountModel model = twoSided ? new FlankCountModel(longest, counting) : new MarkovModel(longest, counting);
        model.Fit(genome, split.Train, 0, context.Stop);
        (double[] bits, long bases) = model.EvaluateSteps(genome, split.Validation, 0, context.Stop);
        if (bases == 0)
        {
            throw new InputDataException("no base is held out", string.Join(", ", files), "at least one A, C, G or T in the validation part",
                "a larger --validation-fraction, or a longer sequence");
        }

        var table = new ConsoleTable("model", ">order", ">bits per base", ">below 2 bits");
        foreach (int order in orders)
        {
            int k = twoSided ? order / 2 : order;
            string name = twoSided ? $"flank-{Text(k)}" : $"markov-{Text(k)}";
            table.Add(name, Text(order), bits[k].ToString("F4", CultureInfo.InvariantCulture), (2 - bits[k]).ToString("F4", CultureInfo.InvariantCulture));
            if (context.Parse.GetValue(_json))
            {
                var line = new JsonObject
                {
                    ["model"] = name,
                    ["order"] = order,
                    ["two_sided"] = twoSided,
                    ["bits_per_base"] = bits[k],
                    ["bases"] = bases,
                    ["words_counted"] = model.WordsCounted,
                    ["both_strands"] = !oneStrand,
                    ["alpha"] = alpha,
                    ["validation_fraction"] = fraction,
                };
                context.Streams.Out.WriteLine(line.ToJsonString());
            }
        }

        if (context.Parse.GetValue(_mixed))
        {
            AddMixed(context, table, genome, split, mixing);
        }

        if (!context.Parse.GetValue(_json))
        {
            table.WriteToOut(context.Streams);
        }

        context.Reporter.Info(string.Create(CultureInfo.InvariantCulture,
            $"{bases:N0} held-out bases, {model.WordsCounted:N0} words counted on {(oneStrand ? "one strand" : "both strands")}"));
        return ExitCodes.Ok;
    }

    // As trained, and then learning on: rows of the table, or JSON lines.
    private void AddMixed(CommandContext context, ConsoleTable table, GenomeSource genome, GenomeSplit split, MixedOrderOptions options)
    {
        var mixed = new MixedOrderModel(options, split.Train.Concat(split.Validation).Sum(i => i.Length));
        mixed.Fit(genome, split.Train, context.Stop);
        foreach (bool adaptive in (bool[])[false, true])
        {
            (double bits, long bases) = mixed.Evaluate(genome, split.Validation, adaptive, context.Stop);
            table.Add(adaptive ? "mixed, learning on" : "mixed", Text(options.Orders[^1]), bits.ToString("F4", CultureInfo.InvariantCulture),
                (2 - bits).ToString("F4", CultureInfo.InvariantCulture));
            if (context.Parse.GetValue(_json))
            {
                var line = new JsonObject
                {
                    ["model"] = mixed.Name,
                    ["order"] = options.Orders[^1],
                    ["two_sided"] = false,
                    ["adaptive"] = adaptive,
                    ["bits_per_base"] = bits,
                    ["bases"] = bases,
                    ["both_strands"] = options.BothStrands,
                    ["memory_bytes"] = mixed.MemoryBytes,
                    ["validation_fraction"] = context.Parse.GetValue(_fraction),
                };
                context.Streams.Out.WriteLine(line.ToJsonString());
            }
        }
    }

    private MixedOrderOptions Mixing(CommandContext context, bool oneStrand)
    {
        double gib = context.Parse.GetValue(_memory);
        var mixing = new MixedOrderOptions { BothStrands = !oneStrand, MemoryBytes = (long)Math.Clamp(gib * (1L << 30), 0, 1L << 50) };
        return mixing.Validate() is [] ? mixing : throw Problem("--memory-gib", $"is {Text(gib)}", "at least 0.03125 (32 MiB)", "--memory-gib 1");
    }

    private static int[] Orders(string text, bool twoSided)
    {
        int[] orders = ParseOrders(text)
            ?? throw Problem("--orders", $"'{text}' is no range of orders", "numbers from 0 to 12", "--orders 0-12, or --orders 2,4,8");
        int[] kept = twoSided ? [.. orders.Where(o => o % 2 == 0)] : orders;
        return kept.Length > 0 ? kept
            : throw Problem("--orders", $"'{text}' has no even order, and --two-sided puts half of the bases on each side", "an even number", "--orders 0-12");
    }

    private static ConfigException Problem(string option, string what, string expected, string hint) =>
        new(new ConfigProblem(option, what, null, expected, hint));

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
