using GenoSeq.Data;

namespace GenoSeq.Inference.Variants;

/// <summary>Scores a file of variants record by record, in its order, after all REF alleles have been compared with the genome.</summary>
public sealed class VariantRun
{
    private const int BlockRecords = 256;

    private readonly VariantScorer _scorer;
    private readonly GenomeSource _genome;
    private readonly bool _allowMismatch;
    private readonly Action<string>? _say;

    /// <summary>Prepares a run.</summary>
    /// <param name="scorer">Scores.</param>
    /// <param name="genome">The scorer's genome.</param>
    /// <param name="allowMismatch">Leave variants out whose REF differs, instead of refusing the file.</param>
    /// <param name="say">Told what the user should know; null: nobody is.</param>
    public VariantRun(VariantScorer scorer, GenomeSource genome, bool allowMismatch = false, Action<string>? say = null)
    {
        ArgumentNullException.ThrowIfNull(scorer);
        ArgumentNullException.ThrowIfNull(genome);
        _scorer = scorer;
        _genome = genome;
        _allowMismatch = allowMismatch;
        _say = say;
    }

    /// <summary>What was scored so far, and what not.</summary>
    public VariantCounts Counts { get; } = new();

    /// <summary>The records with a score for each alternative.</summary>
    /// <param name="source">The file.</param>
    /// <param name="progress">Told how many records were done since the last call.</param>
    /// <param name="stop">Ends the work.</param>
    /// <exception cref="InputDataException">The file is malformed, or does not agree with the genome.</exception>
    public IEnumerable<(VariantRecord Record, VariantScore[] Scores)> Run(VariantSource source, Action<long>? progress = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        // Standard input can be read once: it is held until it has been looked at.
        IEnumerable<VariantRecord> records = source.Path == InputFile.StandardInput ? [.. source.Read()] : source.Read();
        var guard = new ReferenceGuard(_genome, source.Path, _allowMismatch);
        foreach (VariantRecord record in records)
        {
            guard.Look(record.Contig, record.Position0, record.RefBases.Span, record.Line);
        }

        guard.Finish(_say);
        foreach (VariantRecord[] block in records.Chunk(BlockRecords))
        {
            (VariantRecord Record, int Alternative)[] places =
                [.. block.SelectMany(r => Enumerable.Range(0, r.Alternatives.Count).Where(i => r.Alternatives[i].Status == VariantStatus.Scored).Select(i => (r, i)))];
            VariantScore[] known = _scorer.Score([.. places.Select(p => p.Record.Alternatives[p.Alternative].Allele)], stop);
            int next = 0;
            foreach (VariantRecord record in block)
            {
                VariantScore[] scores =
                    [.. record.Alternatives.Select(a => a.Status == VariantStatus.Scored ? known[next++] : new VariantScore(a.Status))];
                Array.ForEach(scores, s => Counts.Add(s.Status));
                yield return (record, scores);
            }

            progress?.Invoke(block.Length);
        }
    }
}
