using System.Text;

namespace GenoSeq.Data.Tests.Synthetic;

/// <summary>
/// Answers synthetic tasks by brute force from what a model sees: inputs as letters (bases, N, and ? [CLS], | [SEP], ^ [BOS],
/// _ [PAD]), labels as letters with a full stop where nothing is asked. Fails where an answer is not the only one possible.
/// </summary>
internal static class TaskSolver
{
    // All orders of 0, 1, …, as numbers written out and sorted.
    private static readonly Dictionary<int, List<int[]>> s_orders = new() { [3] = Sorted(3), [5] = Sorted(5) };

    internal static string Letters(ReadOnlySpan<int> ids)
    {
        var text = new StringBuilder(ids.Length);
        foreach (int id in ids)
        {
            text.Append(id == Labels.Ignored ? "." : Alphabet.Caduceus.Tokens[id] switch
            {
                "[CLS]" => "?",
                "[SEP]" => "|",
                "[BOS]" => "^",
                "[PAD]" => "_",
                { Length: 1 } letter => letter,
                string other => throw new InvalidOperationException($"{other} has no place in a task"),
            });
        }
        return text.ToString();
    }

    internal static string Solve(SyntheticTaskOptions o, string inputs)
    {
        var labels = new StringBuilder(new string('.', inputs.Length));
        switch (o.Kind)
        {
            case SyntheticKind.Recall: Recall(o, inputs, labels); break;
            case SyntheticKind.Copying: Put(labels, inputs.IndexOf('|', StringComparison.Ordinal), inputs[..inputs.IndexOf('|', StringComparison.Ordinal)]); break;
            case SyntheticKind.Lookup: Lookup(o, inputs, labels); break;
            case SyntheticKind.Induction: Induction(o, inputs, labels); break;
            case SyntheticKind.SelectiveCopying: SelectiveCopying(inputs, labels); break;
            case SyntheticKind.Phonebook: Phonebook(o, inputs, labels); break;
            case SyntheticKind.Parity: Parity(o, inputs, labels); break;
            case SyntheticKind.Permutations: Permutations(o, inputs, labels); break;
            case SyntheticKind.Needle: Needle(o, inputs, labels); break;
            default: throw new ArgumentOutOfRangeException(nameof(o));
        }
        return labels.ToString();
    }

    private static void Put(StringBuilder labels, int at, string answer)
    {
        for (int i = 0; i < answer.Length; i++)
        {
            labels[at + i] = answer[i];
        }
    }

    private static int[] Places(string text, string word) =>
        [.. Enumerable.Range(0, Math.Max(0, text.Length - word.Length + 1)).Where(i => string.CompareOrdinal(text, i, word, 0, word.Length) == 0)];

    private static void Recall(SyntheticTaskOptions o, string inputs, StringBuilder labels)
    {
        var values = new Dictionary<string, string>();
        var asked = new HashSet<string>();
        foreach (int at in Places(inputs, "?"))
        {
            string key = inputs.Substring(at + 1, o.KeyWidth);
            int answer = at + 1 + o.KeyWidth;
            if (values.Count < o.Pairs)
            {
                values.Add(key, inputs.Substring(answer, o.ValueWidth));
                continue;
            }
            Assert.True(asked.Add(key));
            Put(labels, answer - 1, values[key]);
        }
        Assert.Equal(o.Pairs, asked.Count);
    }

    private static void Lookup(SyntheticTaskOptions o, string inputs, StringBuilder labels)
    {
        string[] parts = inputs.Split('|');
        bool prefix = o.Order == LookupOrder.Prefix;
        string text = parts[prefix ? 1 : 0];
        string key = prefix ? parts[0] : parts[1][..o.KeyWidth];
        int place = Assert.Single(Places(text, key));
        int before = prefix ? key.Length + 1 + text.Length : text.Length + o.KeyWidth;
        Put(labels, before, text.Substring(place + o.KeyWidth, o.ValueWidth));
    }

    private static void Induction(SyntheticTaskOptions o, string inputs, StringBuilder labels)
    {
        int[] markers = Places(inputs, "?");
        Assert.Equal(2, markers.Length);
        Put(labels, markers[1], inputs.Substring(markers[0] + 1, o.ValueWidth));
    }

    private static void SelectiveCopying(string inputs, StringBuilder labels)
    {
        int end = Assert.Single(Places(inputs, "|"));
        Put(labels, end, inputs[..end].Replace("N", "", StringComparison.Ordinal));
    }

    private static void Phonebook(SyntheticTaskOptions o, string inputs, StringBuilder labels)
    {
        int query = Assert.Single(Places(inputs, "?"));
        string[][] records = [.. inputs[..query].Split('^', StringSplitOptions.RemoveEmptyEntries).Select(r => r.Split('|'))];
        string name = inputs.Substring(query + 1, o.KeyWidth);
        Assert.Equal('|', inputs[query + 1 + o.KeyWidth]);
        Put(labels, query + 1 + o.KeyWidth, Assert.Single(records, r => r[0] == name)[1]);
    }

    private static void Parity(SyntheticTaskOptions o, string inputs, StringBuilder labels)
    {
        for (int t = o.EveryStep ? 0 : inputs.Length - 1; t < inputs.Length; t++)
        {
            labels[t] = inputs[..(t + 1)].Count(c => c == 'C') % 2 == 0 ? 'A' : 'C';
        }
    }

    private static void Permutations(SyntheticTaskOptions o, string inputs, StringBuilder labels)
    {
        int things = o.Group == PermutationGroup.S3 ? 3 : 5;
        int width = things == 3 ? 2 : 4;
        int code = o.Inputs == PermutationInputs.Elements ? width : 1;
        int step = code + width - 1;
        List<int[]> all = s_orders[things];
        int[] state = [.. Enumerable.Range(0, things)];
        for (int at = 0; at + step <= inputs.Length; at += step)
        {
            int number = inputs.Substring(at, code).Aggregate(0, (n, c) => n * 4 + "ACGT".IndexOf(c, StringComparison.Ordinal));
            Assert.Equal(new string('N', width - 1), inputs.Substring(at + code, width - 1));
            int[] by = o.Inputs == PermutationInputs.Elements ? all[number] : number switch
            {
                0 => [.. Enumerable.Range(0, things)],
                1 => [1, 0, .. Enumerable.Range(2, things - 2)],
                2 => [.. Enumerable.Range(1, things - 1), 0],
                _ => [things - 1, .. Enumerable.Range(0, things - 1)],
            };
            state = [.. by.Select(i => state[i])];
            if (o.EveryStep || at + 2 * step > inputs.Length)
            {
                int rank = all.FindIndex(p => p.SequenceEqual(state));
                Put(labels, at + code - 1, string.Concat(Enumerable.Range(0, width).Select(d => "ACGT"[(rank >> (2 * (width - 1 - d))) & 3])));
            }
        }
    }

    private static List<int[]> Sorted(int things) =>
        [.. Enumerable.Range(0, (int)Math.Pow(10, things))
            .Select(n => n.ToString($"D{things}", System.Globalization.CultureInfo.InvariantCulture))
            .Where(t => t.Distinct().Count() == things && t.All(c => c - '0' < things))
            .Select(t => t.Select(c => c - '0').ToArray())];

    private static void Needle(SyntheticTaskOptions o, string inputs, StringBuilder labels)
    {
        int[] markers = Places(inputs, "?");
        Assert.Equal(o.Distractors + 2, markers.Length);
        int query = markers[^1];
        Assert.Equal(inputs.Length - o.KeyWidth - o.ValueWidth, query);
        int place = Assert.Single(markers[..^1], m => inputs.AsSpan(m, 1 + o.KeyWidth).SequenceEqual(inputs.AsSpan(query, 1 + o.KeyWidth)));
        Assert.True(o.Distance == 0 || query - place == o.Distance);
        Assert.Equal(markers.Length, markers.Select(m => inputs.Substring(m, 1 + o.KeyWidth)).Distinct().Count() + 1);
        Assert.All(markers.Zip(markers.Skip(1)), m => Assert.True(m.Second - m.First >= 1 + o.KeyWidth + o.ValueWidth));
        Put(labels, query + o.KeyWidth, inputs.Substring(place + 1 + o.KeyWidth, o.ValueWidth));
    }
}
