using GenoSeq.Data;
using GenoSeq.Inference.Scoring;
using GenoSeq.Models;

namespace GenoSeq.Inference.Variants;

/// <summary>Scores variants of a genome by what a model thinks of their alleles. Alternatives of one reference share its passes.</summary>
public sealed class VariantScorer
{
    private readonly GenomeSource _genome;
    private readonly VariantOptions _options;
    private readonly Alphabet _alphabet;
    private readonly RowRunner _runner;
    private readonly LikelihoodScorer _likelihood;

    /// <summary>Prepares scoring.</summary>
    /// <param name="model">In evaluation mode, on its device; it stays the caller's.</param>
    /// <param name="genome">The genome that the variants are of; it stays the caller's.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="ArgumentException">An option is invalid, or the method does not fit the model.</exception>
    public VariantScorer(SequenceModel model, GenomeSource genome, VariantOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(genome);
        options ??= new VariantOptions();
        if (options.Validate() is [var problem, ..])
        {
            throw new ArgumentException(problem, nameof(options));
        }

        // Of an equivariant model both strands say the same.
        _options = model.Config.RcEquivariant ? options with { Strand = StrandUse.Forward } : options;

        Method = _options.Method != VariantMethod.Auto ? _options.Method : model.IsCausal ? VariantMethod.Delta : VariantMethod.Llr;
        if (Method == VariantMethod.Llr && model.IsCausal)
        {
            throw new ArgumentException("the likelihood ratio masks a position, which a causal model cannot; its method is delta", nameof(options));
        }

        _genome = genome;
        _alphabet = Alphabet.Get(model.Config.Alphabet);
        _runner = new RowRunner(model, _alphabet, _options.BatchTokens);
        _likelihood = new LikelihoodScorer(model, _options.Likelihood());
    }

    /// <summary>The measure, resolved.</summary>
    public VariantMethod Method { get; }

    /// <summary>Scores variants; the results do not depend on which are scored together but for rounding.</summary>
    /// <param name="alleles">The variants.</param>
    /// <param name="stop">Ends the work.</param>
    public VariantScore[] Score(IReadOnlyList<VariantAllele> alleles, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(alleles);
        var scores = new VariantScore[alleles.Count];
        var known = new List<(VariantWindow Window, int At)>();
        for (int i = 0; i < scores.Length; i++)
        {
            VariantStatus status = VariantWindow.Of(_genome, alleles[i], _options, out VariantWindow? window);
            scores[i] = new VariantScore(status);
            if (window is not null)
            {
                known.Add((window, i));
            }
        }

        (VariantWindow Window, int At)[] marginal = [.. known.Where(k => Method == VariantMethod.Llr && k.Window.Ref.Length == k.Window.Alt.Length)];
        (VariantWindow Window, int At)[] others = [.. known.Except(marginal)];
        Ratios(marginal, scores, stop);
        if (Method == VariantMethod.Embedding)
        {
            Distances(others, scores, stop);
        }
        else
        {
            Differences(others, scores, stop);
        }

        return scores;
    }

    // Masked positions: one row for all alternatives of a reference, on each strand.
    private void Ratios((VariantWindow Window, int At)[] variants, VariantScore[] scores, CancellationToken stop)
    {
        bool[] strands = [.. LikelihoodScorer.Strands(_options.Strand)];
        var rows = new Dictionary<(int, long, int, bool), ModelRow>();
        foreach ((VariantWindow w, _) in variants)
        {
            foreach (bool reverse in strands)
            {
                if (!rows.ContainsKey((w.Key.Contig, w.Key.Position, w.Key.Length, reverse)))
                {
                    rows.Add((w.Key.Contig, w.Key.Position, w.Key.Length, reverse), Masked(w, reverse));
                }
            }
        }

        _runner.Predict([.. rows.Values], stop);
        foreach ((VariantWindow w, int at) in variants)
        {
            double reference = 0;
            double alternative = 0;
            foreach (bool reverse in strands)
            {
                float[] logP = rows[(w.Key.Contig, w.Key.Position, w.Key.Length, reverse)].LogP;
                reference += Sum(logP, w.Ref, reverse) / strands.Length;
                alternative += Sum(logP, w.Alt, reverse) / strands.Length;
            }

            scores[at] = new VariantScore(VariantStatus.Scored, alternative - reference, reference, alternative);
        }
    }

    private ModelRow Masked(VariantWindow w, bool reverse)
    {
        int[] ids = Encoded(w.Reference, reverse);
        int first = reverse ? w.Right.Length : w.Left.Length;
        ids.AsSpan(first, w.Ref.Length).Fill(_alphabet.MaskId);
        return new ModelRow(ids, [.. Enumerable.Range(first, w.Ref.Length)], []);
    }

    private double Sum(float[] logP, byte[] allele, bool reverse)
    {
        int[] ids = Encoded(allele, reverse);
        double sum = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            sum += logP[(i * _alphabet.VocabSize) + ids[i]];
        }

        return sum;
    }

    // Whole windows, each scored once.
    private void Differences((VariantWindow Window, int At)[] variants, VariantScore[] scores, CancellationToken stop)
    {
        var sequences = new List<ReadOnlyMemory<byte>>();
        (int, int)[] places = Places(variants, b => sequences.Add(b), () => sequences.Count);
        double[] sums = [.. _likelihood.Score(sequences, stop).Select(v => v.Where(x => !float.IsNaN(x)).Sum(x => (double)x))];
        for (int i = 0; i < variants.Length; i++)
        {
            (int reference, int alternative) = places[i];
            scores[variants[i].At] = new VariantScore(VariantStatus.Scored, sums[alternative] - sums[reference], sums[reference], sums[alternative]);
        }
    }

    private void Distances((VariantWindow Window, int At)[] variants, VariantScore[] scores, CancellationToken stop)
    {
        bool[] strands = [.. LikelihoodScorer.Strands(_options.Strand)];
        var rows = new List<ModelRow>();
        (int, int)[] places = Places(variants,
            b => rows.AddRange(strands.Select(reverse => new ModelRow(Encoded(b, reverse), [], []))), () => rows.Count);
        float[][] means = _runner.Pool(rows, stop);
        for (int i = 0; i < variants.Length; i++)
        {
            (int reference, int alternative) = places[i];
            double l2 = 0;
            double cosine = 0;
            for (int s = 0; s < strands.Length; s++)
            {
                (double euclid, double angle) = Distance(means[reference + s], means[alternative + s]);
                l2 += euclid / strands.Length;
                cosine += angle / strands.Length;
            }

            scores[variants[i].At] = new VariantScore(VariantStatus.Scored, l2, cosine);
        }
    }

    // Where each variant's two windows lie among those that are added; a reference's only once.
    private static (int Reference, int Alternative)[] Places((VariantWindow Window, int At)[] variants, Action<byte[]> add, Func<int> count)
    {
        var references = new Dictionary<(int, long, int), int>();
        var places = new (int, int)[variants.Length];
        for (int i = 0; i < places.Length; i++)
        {
            VariantWindow w = variants[i].Window;
            if (!references.TryGetValue(w.Key, out int reference))
            {
                references.Add(w.Key, reference = count());
                add(w.Reference);
            }

            places[i] = (reference, count());
            add(w.Alternative);
        }

        return places;
    }

    private static (double L2, double Cosine) Distance(float[] a, float[] b)
    {
        (double ab, double aa, double bb, double d) = (0, 0, 0, 0);
        for (int i = 0; i < a.Length; i++)
        {
            ab += (double)a[i] * b[i];
            aa += (double)a[i] * a[i];
            bb += (double)b[i] * b[i];
            d += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        }

        return (Math.Sqrt(d), aa == 0 || bb == 0 ? 0 : Math.Max(0, 1 - (ab / Math.Sqrt(aa * bb))));
    }

    private int[] Encoded(byte[] bases, bool reverse)
    {
        byte[] own = [.. bases];
        if (reverse)
        {
            DnaComplement.ReverseComplementInPlace(own);
        }

        int[] ids = new int[own.Length];
        _alphabet.Encode(own, ids);
        return ids;
    }
}
