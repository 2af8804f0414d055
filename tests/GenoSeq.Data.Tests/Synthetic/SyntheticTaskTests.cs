namespace GenoSeq.Data.Tests.Synthetic;

/// <summary>All labels of all tasks are those that brute force finds from the inputs alone.</summary>
public class SyntheticTaskTests
{
    private static readonly SyntheticKind[] s_kinds = Enum.GetValues<SyntheticKind>();

    public static TheoryData<SyntheticKind> Kinds => [.. s_kinds];

    // Settings drawn at random, of which most fit; the shortest rows and longer ones, odd lengths too.
    private static SyntheticTaskOptions? Draw(SyntheticKind kind, Random random)
    {
        int symbols = random.Next(2) * random.Next(1, 30);
        var options = new SyntheticTaskOptions
        {
            Kind = kind,
            Length = 1 << 20,
            Pairs = random.Next(kind == SyntheticKind.Phonebook ? 0 : 1, 12),
            KeyWidth = random.Next(1, 7),
            ValueWidth = random.Next(1, 6),
            PowerA = random.Next(2) == 0 ? 0.01 : random.NextDouble() + 0.2,
            Filler = (SyntheticFiller)random.Next(2),
            Symbols = symbols,
            MinSymbols = random.Next(2) * random.Next(1, 20),
            Order = (LookupOrder)random.Next(2),
            EveryStep = random.Next(3) > 0,
            Group = (PermutationGroup)random.Next(2),
            Inputs = (PermutationInputs)random.Next(2),
            Distance = random.Next(2) * random.Next(1, 90),
            Distractors = random.Next(5),
        };
        SyntheticTaskOptions shortest = options with { Length = 1 };
        shortest = shortest.Validate().All(p => p.StartsWith("length:", StringComparison.Ordinal))
            ? options with { Length = SyntheticTasks.MinLength(shortest) + random.Next(3) * random.Next(1, 60) } : options;
        return shortest.Validate().Any() || shortest.Length == options.Length ? null : shortest;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Labels_OfAnySettings_AreTheSolvers(SyntheticKind kind)
    {
        var random = new Random((int)kind);
        int cases = 0;
        for (int trial = 0; trial < 400 && cases < 80; trial++)
        {
            if (Draw(kind, random) is not { } options)
            {
                continue;
            }
            cases++;
            SyntheticTask task = SyntheticTasks.Create(options, trial, threads: 1);
            Assert.Equal(options.Length, task.Length);
            Batch batch = task.CreateBatch(6);
            task.Fill(new SampleRange(random.Next(1 << 20), 6), batch);
            for (int row = 0; row < 6; row++)
            {
                Span<int> inputs = batch.Inputs.AsSpan(row * task.Length, task.Length);
                Span<int> labels = batch.Labels.AsSpan(row * task.Length, task.Length);
                Assert.Equal(TaskSolver.Solve(options, TaskSolver.Letters(inputs)), TaskSolver.Letters(labels));
                int count = labels.ToArray().Count(l => l != Labels.Ignored);
                Assert.Equal(count, batch.TargetCounts[row]);
                Assert.True(options.MinSymbols > 0 && kind == SyntheticKind.Copying ? count is > 0 && count <= task.AnswerLength : count > 0 && count % task.AnswerLength == 0);
                for (int t = 0; t + 1 < labels.Length && kind is not (SyntheticKind.Parity or SyntheticKind.Permutations); t++)
                {
                    Assert.True(labels[t] == Labels.Ignored || labels[t] == inputs[t + 1]);
                }
            }
        }
        Assert.Equal(80, cases);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Fill_ThreadsForksAndBatchSizes_GiveTheSameSamples(SyntheticKind kind)
    {
        var options = new SyntheticTaskOptions { Kind = kind, Length = 201, Distractors = 3, MinSymbols = kind == SyntheticKind.Copying ? 20 : 0 };
        SyntheticTask task = SyntheticTasks.Create(options, 5, threads: 1);
        Batch all = task.CreateBatch(24);
        task.Fill(new SampleRange(7, 24), all);
        IBatchSource fork = SyntheticTasks.Create(options, 5, threads: 2).Fork(3);
        Batch together = fork.CreateBatch(24);
        fork.Fill(new SampleRange(7, 24), together);
        Assert.Equal(all.Inputs, together.Inputs);
        Assert.Equal(all.Labels, together.Labels);
        Assert.Equal(all.TargetCounts, together.TargetCounts);
        Batch one = fork.CreateBatch(1);
        for (int i = 23; i >= 0; i--)
        {
            fork.Fill(new SampleRange(7 + i, 1), one);
            Assert.True(all.Inputs.AsSpan(i * 201, 201).SequenceEqual(one.Inputs));
            Assert.True(all.Labels.AsSpan(i * 201, 201).SequenceEqual(one.Labels));
        }
        SyntheticTask other = SyntheticTasks.Create(options, 6);
        other.Fill(new SampleRange(7, 24), together);
        Assert.NotEqual(all.Inputs, together.Inputs);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void WithLength_KeepsTheTask_AndMinLengthIsTheLeast(SyntheticKind kind)
    {
        SyntheticTask task = SyntheticTasks.Create(new SyntheticTaskOptions { Kind = kind, Length = 256, Distance = kind == SyntheticKind.Needle ? 77 : 0, Distractors = 2 }, 3);
        SyntheticTask shortest = task.WithLength(task.MinLength);
        Assert.Equal(task.Options with { Length = task.MinLength }, shortest.Options);
        Assert.Equal(task.MinLength, SyntheticTasks.MinLength(task.Options));
        shortest.Fill(new SampleRange(0, 4), shortest.CreateBatch(4));
        var less = task.Options with { Length = task.MinLength - 1 };
        string problem = Assert.Single(less.Validate());
        Assert.StartsWith("length:", problem, StringComparison.Ordinal);
        if (less.Length > 0)
        {
            Assert.Contains($"at least {task.MinLength}", problem, StringComparison.Ordinal);
        }
        Assert.Throws<ArgumentException>(() => task.WithLength(less.Length));
    }

    public static TheoryData<SyntheticKind, PermutationGroup, PermutationInputs> Guesses()
    {
        var data = new TheoryData<SyntheticKind, PermutationGroup, PermutationInputs>();
        foreach (SyntheticKind kind in s_kinds)
        {
            data.Add(kind, PermutationGroup.S5, PermutationInputs.Elements);
        }
        data.Add(SyntheticKind.Permutations, PermutationGroup.S3, PermutationInputs.Generators);
        data.Add(SyntheticKind.Permutations, PermutationGroup.S5, PermutationInputs.Generators);
        return data;
    }

    // Labels of long rows, of the last answer: the best constant guess of each of its places is right as often as is said.
    [Theory]
    [MemberData(nameof(Guesses))]
    public void Chance_IsThatOfTheBestConstant(SyntheticKind kind, PermutationGroup group, PermutationInputs inputs)
    {
        SyntheticTask task = SyntheticTasks.Create(
            new SyntheticTaskOptions { Kind = kind, Length = 240, Symbols = kind == SyntheticKind.Permutations ? 0 : 12, Group = group, Inputs = inputs, ValueWidth = 2 }, 1, threads: 1);
        const int rows = 1500;
        Batch batch = task.CreateBatch(rows);
        task.Fill(new SampleRange(0, rows), batch);
        string[] answers = [.. Enumerable.Range(0, rows).Select(r => TaskSolver.Letters(batch.Labels.AsSpan(r * 240, 240)).Replace(".", "", StringComparison.Ordinal)[^task.AnswerLength..])];
        double best = Enumerable.Range(0, task.AnswerLength).Average(i => answers.GroupBy(a => a[i]).Max(g => g.Count()) / (double)rows);
        Assert.InRange(best, task.Chance - 0.03, task.Chance + 0.04);
        double whole = answers.GroupBy(a => a).Max(g => g.Count()) / (double)rows;
        Assert.InRange(whole, task.AnswerChance * 0.8, task.AnswerChance * 1.3 + 0.012);
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(1)]
    public void Recall_GapsFollowThePowerLaw(double a)
    {
        SyntheticTask task = SyntheticTasks.Create(new SyntheticTaskOptions { Length = 6 * 21 - 1, Pairs = 1, PowerA = a }, 9, threads: 1);
        const int rows = 4000;
        Batch batch = task.CreateBatch(rows);
        task.Fill(new SampleRange(0, rows), batch);
        double total = Enumerable.Range(1, 20).Sum(i => Math.Pow(i, a - 1));
        var seen = new int[20];
        for (int r = 0; r < rows; r++)
        {
            seen[batch.Inputs.AsSpan(r * task.Length + 1, task.Length - 1).IndexOf(Alphabet.Caduceus.ClsId) / 6]++;
        }
        for (int i = 0; i < 20; i++)
        {
            double expected = rows * Math.Pow(i + 1, a - 1) / total;
            Assert.InRange(seen[i], expected - 5 * Math.Sqrt(expected), expected + 5 * Math.Sqrt(expected));
        }
    }

    [Fact]
    public void Needle_InAGenome_IsFarBackInItsWindow()
    {
        FastaGenome genome = Genomes.RandomOf("ACGTacgtN", 4, 1 << 19, 1 << 19);
        var sampler = new WindowSampler(genome, genome.WholeContigs(), new WindowSamplerOptions { Length = 400_000, MinAcgtFraction = 0 });
        var options = new SyntheticTaskOptions { Kind = SyntheticKind.Needle, Length = 400_000, Distance = 399_990, KeyWidth = 8, ValueWidth = 2, Distractors = 100 };
        SyntheticTask task = SyntheticTasks.Create(options, 2, new GenomeBackground(genome, sampler), threads: 1);
        Batch batch = task.CreateBatch(1);
        task.Fill(new SampleRange(3, 1), batch);
        string inputs = TaskSolver.Letters(batch.Inputs);
        Assert.Equal(TaskSolver.Solve(options, inputs), TaskSolver.Letters(batch.Labels));
        SampleWindow window = sampler.At(3);
        var bases = new byte[window.Length];
        genome.Read(window.Contig, window.Start, bases);
        var ids = new int[bases.Length];
        Alphabet.Caduceus.Encode(bases, ids);
        int same = ids.Zip(batch.Inputs).Count(p => p.First == p.Second);
        Assert.InRange(same, 400_000 - 102 * 11, 400_000 - 1);
        SyntheticTask random = SyntheticTasks.Create(options with { Length = (1 << 20) + 12, Distance = 1 << 20 }, 2);
        Batch large = random.CreateBatch(1);
        random.Fill(new SampleRange(0, 1), large);
        Assert.Equal(2, large.TargetCounts[0]);
        Assert.Throws<ArgumentException>(() => SyntheticTasks.Create(options with { Length = 500_000 }, 2, new GenomeBackground(genome, sampler), threads: 1) is { } t ? Filled(t) : null);
        Assert.Throws<ArgumentException>(() => SyntheticTasks.Create(new SyntheticTaskOptions(), 2, new GenomeBackground(genome, sampler)));
    }

    private static Batch Filled(SyntheticTask task)
    {
        Batch batch = task.CreateBatch(1);
        task.Fill(new SampleRange(0, 1), batch);
        return batch;
    }

    public static TheoryData<SyntheticTaskOptions, string> Wrong => new()
    {
        { new() { Kind = (SyntheticKind)99 }, "kind: " },
        { new() { Length = 0 }, "length: " },
        { new() { Length = 40 }, "length: is 40, and these settings need at least 95 tokens" },
        { new() { Pairs = 0 }, "pairs: " },
        { new() { KeyWidth = 2, Pairs = 17, Length = 1000 }, "key_width: 17 pairs need different keys, and 2 bases make 16; use at least 3" },
        { new() { KeyWidth = 0 }, "key_width: " },
        { new() { ValueWidth = 65 }, "value_width: " },
        { new() { PowerA = 0 }, "power_a: " },
        { new() { PowerA = double.NaN }, "power_a: " },
        { new() { Filler = (SyntheticFiller)5 }, "filler: " },
        { new() { Kind = SyntheticKind.Copying, Symbols = 10, MinSymbols = 11 }, "min_symbols: " },
        { new() { Kind = SyntheticKind.Copying, Symbols = -1 }, "symbols: " },
        { new() { Kind = SyntheticKind.Lookup, Symbols = 4 }, "symbols: " },
        { new() { Kind = SyntheticKind.Lookup, MinSymbols = 2 }, "min_symbols: " },
        { new() { Kind = SyntheticKind.Lookup, Length = 270 }, "key_width: hardly a word of 4 bases is alone in a string of 265; use at least 5" },
        { new() { Kind = SyntheticKind.Phonebook, Pairs = 0, Length = 4000 }, "key_width: " },
        { new() { Kind = SyntheticKind.Needle, Distance = 5 }, "distance: is 5, and the marker, the motif and its partner have 6 tokens" },
        { new() { Kind = SyntheticKind.Needle, Distance = 255 }, "length: " },
        { new() { Kind = SyntheticKind.Needle, Distractors = 4, KeyWidth = 1 }, "key_width: 5 planted pairs" },
        { new() { Kind = SyntheticKind.Permutations, Group = (PermutationGroup)3 }, "group: " },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Validate_WrongSettings_NamesTheKey(SyntheticTaskOptions options, string problem)
    {
        Assert.StartsWith(problem, Assert.Single(options.Validate()), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => SyntheticTasks.Create(options, 1));
    }

    [Fact]
    public void Validate_Defaults_AreSound() => Assert.All(s_kinds, k => Assert.Empty(new SyntheticTaskOptions { Kind = k }.Validate()));
}
