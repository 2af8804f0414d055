using GenoSeq.Data.Tests.Fuzz.Targets;

namespace GenoSeq.Data.Tests.Fuzz;

/// <summary>Every reader of foreign bytes.</summary>
internal static class FuzzTargets
{
    private static readonly string[] s_sequences = [".fa", ".fasta", ".fna", ".fas", ".fsa", ".fq", ".fastq"];

    internal static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("sequences", SequenceFuzz.Run, [.. FuzzSeeds.Fasta, .. FuzzSeeds.Fastq], s_sequences),
        new("fasta genome", data => FastaGenome.Read(new MemoryStream(data.ToArray()), "fuzz").Dispose(), FuzzSeeds.Fasta, s_sequences),
        new("fasta index", FastaIndexFuzz.Run, [.. FuzzSeeds.Fasta, .. FuzzSeeds.Fastq, .. FuzzSeeds.Fai], [.. s_sequences, ".fai"]),
        new("compression", CompressionFuzz.Run, [.. CompressionFuzz.Seeds()], [".gz", ".bgz", ".gzi"], MaxLength: 1 << 14),
        new("2bit", TwoBitFuzz.Run, [FuzzSeeds.TwoBit()], [".2bit"]),
        new("bed", BedFuzz.Run, BedFuzz.Seeds, [".bed", ".bed.gz"]),
        new("vcf", VcfFuzz.Run, VcfFuzz.Seeds, [".vcf"]),
        new("delimited", DelimitedFuzz.Run, DelimitedFuzz.Seeds, [".csv", ".tsv"]),
        new("parquet", ParquetFuzz.Run, ParquetFuzz.Seeds(), [".parquet"], PerRun: 3_000, LongRun: 200_000),
        new("labelled", LabelledFuzz.Run, LabelledFuzz.Seeds, [".csv", ".tsv", ".data"]),
    ];

    internal static FuzzTarget Get(string name) => All.Single(t => t.Name == name);
}
