namespace GenoSeq.Data;

/// <summary>What a sequence file holds, counted.</summary>
/// <param name="File">As given; <c>-</c> for standard input.</param>
/// <param name="Format"><c>FASTA</c>, <c>FASTQ</c> or <c>2bit</c>; <c>mixed</c> in a total of several formats.</param>
/// <param name="Sequences">Records, empty ones included.</param>
/// <param name="Bases">Characters of the sequences: letters and the placeholders <c>-</c>, <c>.</c>, <c>*</c>.</param>
/// <param name="Strong">G, C and S in either case.</param>
/// <param name="Weak">A, T, U and W in either case.</param>
/// <param name="N">N and n.</param>
/// <param name="SoftMasked">Lower-case letters.</param>
/// <param name="Foreign">Characters that are no nucleotide code; 0 if <see cref="SequenceLetters.Dna"/> was asked for.</param>
/// <param name="Min">Length of the shortest record.</param>
/// <param name="Max">Length of the longest record.</param>
/// <param name="N50">Longest length such that records at least that long hold at least half of the bases.</param>
public sealed record SequenceStats(
    string File, string Format, long Sequences, long Bases, long Strong, long Weak, long N, long SoftMasked, long Foreign,
    long Min, long Max, long N50)
{
    /// <summary>
    /// (G+C+S) / (A+C+G+T+U+S+W): codes that do not say which of the two pairs it is are left out. Null where nothing
    /// decides it, or the file is no nucleotide file.
    /// </summary>
    public double? Gc => Foreign > 0 || Strong + Weak == 0 ? null : (double)Strong / (Strong + Weak);

    /// <summary>Bases by record.</summary>
    public double Mean => Sequences == 0 ? 0 : (double)Bases / Sequences;
}
