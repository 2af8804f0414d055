namespace GenoSeq.Data;

/// <summary>
/// The word problem of S3 or S5: Merrill, Petty and Sabharwal, "The illusion of state in state-space models", ICML 2024 (arXiv 2404.08819).
/// A step is the code of an element and, where the product's code is longer, N to make room for its labels; s(t) = s(t − 1) ∘ g(t), that is
/// s(t)[i] = s(t − 1)[g(t)[i]]. A permutation's code is its number among all in lexicographic order, in base four. As with parity,
/// labels are never shown.
/// </summary>
internal sealed class PermutationRule : TaskRule
{
    private readonly PermutationTable _group;
    private readonly int[] _inputs;
    private readonly int _codeWidth;
    private readonly int _step;

    internal PermutationRule(SyntheticTaskOptions options)
        : base(options)
    {
        _group = PermutationTable.Of(options.Group);
        bool elements = options.Inputs == PermutationInputs.Elements;
        _inputs = elements ? [.. Enumerable.Range(0, _group.Count)] : _group.Generators;
        AnswerLength = Digits(_group.Count);
        _codeWidth = elements ? AnswerLength : 1;
        _step = _codeWidth + AnswerLength - 1;
    }

    internal override int MinLength => _step;

    internal override int AnswerLength { get; }

    // The most frequent digit at each place of a uniform element.
    internal override double Chance => Enumerable.Range(0, AnswerLength)
        .Average(d => Enumerable.Range(0, _group.Count).GroupBy(e => (e >> (2 * d)) & 3).Max(g => g.Count()) / (double)_group.Count);

    internal override double AnswerChance => 1.0 / _group.Count;

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
            state = _group.Product(state, _inputs[input]);
            if (Options.EveryStep || k == steps - 1)
            {
                TaskTokens.Number(state, row.Labels.Slice(k * _step + _codeWidth - 1, AnswerLength));
            }
        }
    }
}
