namespace GenoSeq.Data;

/// <summary>
/// The word problem of S3 or S5: Merrill, Petty and Sabharwal, "The illusion of state in state-space models", ICML 2024 (arXiv 2404.08819).
/// A step is the code of an element and, where the product's code is longer, N to make room for its labels; s(t) = s(t − 1) ∘ g(t), that is
/// s(t)[i] = s(t − 1)[g(t)[i]]. A permutation's code is its number among all in lexicographic order, in base four. As with parity,
/// labels are never shown.
/// </summary>
internal sealed class PermutationRule : TaskRule
{
    private readonly int[][] _elements;
    private readonly int[] _inputs;
    private readonly int[,] _product;
    private readonly int _codeWidth;
    private readonly int _step;

    internal PermutationRule(SyntheticTaskOptions options)
        : base(options)
    {
        int things = options.Group == PermutationGroup.S3 ? 3 : 5;
        _elements = [.. Lexicographic([], things)];
        _inputs = options.Inputs == PermutationInputs.Elements ? [.. Enumerable.Range(0, _elements.Length)] : Generators(things);
        AnswerLength = Digits(_elements.Length);
        _codeWidth = options.Inputs == PermutationInputs.Elements ? AnswerLength : 1;
        _step = _codeWidth + AnswerLength - 1;
        _product = new int[_elements.Length, _inputs.Length];
        for (int s = 0; s < _elements.Length; s++)
        {
            for (int g = 0; g < _inputs.Length; g++)
            {
                int[] by = _elements[_inputs[g]];
                _product[s, g] = NumberOf([.. by.Select(i => _elements[s][i])]);
            }
        }
    }

    internal override int MinLength => _step;

    internal override int AnswerLength { get; }

    // The most frequent digit at each place of a uniform element.
    internal override double Chance => Enumerable.Range(0, AnswerLength)
        .Average(d => Enumerable.Range(0, _elements.Length).GroupBy(e => (e >> (2 * d)) & 3).Max(g => g.Count()) / (double)_elements.Length);

    internal override double AnswerChance => 1.0 / _elements.Length;

    internal override void Write(ref CounterRandom random, long sample, RowText row)
    {
        int steps = Options.Length / _step;
        row.Text.Fill(TaskTokens.Pad);
        int state = 0;
        for (int k = 0; k < steps; k++)
        {
            int input = (int)random.NextInt64(_inputs.Length);
            Span<int> step = row.Text.Slice(k * _step, _step);
            TaskTokens.Number(input, step[.._codeWidth]);
            step[_codeWidth..].Fill(TaskTokens.Filler);
            state = _product[state, input];
            if (Options.EveryStep || k == steps - 1)
            {
                TaskTokens.Number(state, row.Labels.Slice(k * _step + _codeWidth - 1, AnswerLength));
            }
        }
    }

    // Identity, the swap of the first two, the cycle i → i + 1, and its inverse: they generate the group, and words of any length
    // reach all of it.
    private int[] Generators(int things)
    {
        int[] all = [.. Enumerable.Range(0, things)];
        int[] cycle = [.. all.Select(i => (i + 1) % things)];
        int[] back = [.. all.Select(i => (i + things - 1) % things)];
        return [NumberOf(all), NumberOf([1, 0, .. all[2..]]), NumberOf(cycle), NumberOf(back)];
    }

    private int NumberOf(int[] element) => Array.FindIndex(_elements, e => e.AsSpan().SequenceEqual(element));

    private static IEnumerable<int[]> Lexicographic(int[] begun, int things) => begun.Length == things
        ? [begun]
        : Enumerable.Range(0, things).Where(i => !begun.Contains(i)).SelectMany(i => Lexicographic([.. begun, i], things));
}
