using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace GenoSeq.Data.Tests;

/// <summary>
/// What a run sees must not change between versions or machines, or resuming an old checkpoint would silently train on
/// other data. A change of these values is a change of format. The window starts and the digests for the Caduceus
/// alphabet were confirmed with a second implementation of the formulas, written in another language.
/// </summary>
public class StabilityTests
{
    [Fact]
    public void Windows_OfShippedGenome_AreTheRecordedOnes()
    {
        using FastaGenome genome = FastaGenome.Load(Path.Combine(Path.Combine(Repository.Root, "data"), "lambda_NC_001416.fa.gz"));
        WindowSampler sampler = Sampler(genome);
        Assert.Equal(
            [16003, 43003, 19003, 21003, 32003, 18003, 36003, 4003, 18067, 40067, 14067, 5067],
            Enumerable.Range(40, 12).Select(i => sampler.At(i).Start));
    }

    [Theory]
    [InlineData(ObjectiveKind.Mlm, "caduceus", "38093a500a2c8c6a")]
    [InlineData(ObjectiveKind.Mlm, "bytes", "ec67e9985ccd2a81")]
    [InlineData(ObjectiveKind.Causal, "caduceus", "caed97c42c1af485")]
    [InlineData(ObjectiveKind.Causal, "bytes", "e5d6055cdbc43e08")]
    public void Batches_OfShippedGenome_AreTheRecordedOnes(ObjectiveKind kind, string alphabet, string digest)
    {
        using FastaGenome genome = FastaGenome.Load(Path.Combine(Path.Combine(Repository.Root, "data"), "lambda_NC_001416.fa.gz"));
        WindowSampler sampler = Sampler(genome);
        var builder = new BatchBuilder(
            genome, sampler, Alphabet.Get(alphabet), new ObjectiveOptions { Kind = kind, Seed = 7 });
        Batch batch = builder.CreateBatch(64);
        builder.Fill(new SampleRange(20, 64), batch);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(MemoryMarshal.AsBytes<int>(batch.Inputs));
        hash.AppendData(MemoryMarshal.AsBytes<int>(batch.Labels));
        Assert.Equal(digest, Convert.ToHexStringLower(hash.GetHashAndReset())[..16]);
    }

    private static WindowSampler Sampler(FastaGenome genome) =>
        new(genome, genome.WholeContigs(), new WindowSamplerOptions { Length = 1000, Seed = 7 });
}
