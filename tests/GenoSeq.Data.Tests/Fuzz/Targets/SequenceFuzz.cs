namespace GenoSeq.Data.Tests.Fuzz.Targets;

/// <summary>Any bytes as FASTA, as FASTQ and to the counters: refused in words, or counted the same on every way.</summary>
internal static class SequenceFuzz
{
    public static void Run(ReadOnlySpan<byte> data)
    {
        byte[] bytes = data.ToArray();
        // Two of the three sets an input, for time; which, the input decides.
        SequenceLetters wide = bytes.Length % 2 == 0 ? SequenceLetters.AnyLetter : SequenceLetters.Any;
        foreach (SequenceLetters letters in (SequenceLetters[])[SequenceLetters.Dna, wide])
        {
            Agree(bytes, letters, fastq: false);
            Agree(bytes, letters, fastq: true);
            try
            {
                _ = SequenceStatistics.Measure(new MemoryStream(bytes), "-", "fuzz", new SequenceStatisticsOptions { Letters = letters });
            }
            catch (InputDataException)
            {
            }
        }
        try
        {
            _ = FileInspection.Of("fuzz", "none", bytes, 3);
        }
        catch (InputDataException)
        {
        }
    }

    /// <summary>The reader's result, which all fast ways must give where they give one.</summary>
    internal static SequenceStats? ByReader(byte[] bytes, SequenceLetters letters, bool fastq)
    {
        var options = new SequenceStatisticsOptions { Letters = letters };
        var lengths = new LengthHistogram();
        var counter = new StreamCounter(lengths);
        try
        {
            using var stream = new MemoryStream(bytes);
            if (fastq)
            {
                FastqReader.Read(stream, "fuzz", counter, letters);
            }
            else
            {
                FastaReader.Read(stream, "fuzz", counter, new FastaReaderOptions { Letters = letters, AllowEmptyNames = true });
            }
        }
        catch (InputDataException e)
        {
            Assert.Contains("fuzz", e.Where, StringComparison.Ordinal);
            return null;
        }
        return SequenceStatistics.Result("fuzz", "x", counter.Tally, lengths, options);
    }

    private static void Agree(byte[] bytes, SequenceLetters letters, bool fastq)
    {
        SequenceStats? expected = ByReader(bytes, letters, fastq);
        if (bytes.Length == 0 || bytes[0] != (fastq ? (byte)'@' : (byte)'>'))
        {
            return;
        }
        foreach (int piece in (int[])[1 << 19, 64, 17])
        {
            SequenceStats? found = MemoryScan.Try(bytes, letters, fastq, piece, new Vector512Classifier(letters), Vector512Classifier.IsSupported);
            SequenceStats? middle = MemoryScan.Try(bytes, letters, fastq, piece, new Vector256Classifier(letters), Vector256Classifier.IsSupported);
            SequenceStats? scalar = MemoryScan.Try(bytes, letters, fastq, piece, new ScalarClassifier(letters), true);
            Assert.Equal(scalar, found ?? scalar);
            Assert.Equal(scalar, middle ?? scalar);
            if (scalar is not null)
            {
                Assert.Equal(expected, scalar);
            }
            if (piece > 4096)
            {
                // A piece that holds every input is what the scan of files just saw; its buffer alone would take the time.
                continue;
            }
            SequenceStats? streamed = SequenceStatistics.TryStream(
                new MemoryStream(bytes), "fuzz", fastq ? FormatKind.Fastq : FormatKind.Fasta, new SequenceStatisticsOptions { Letters = letters }, piece);
            if (streamed is not null)
            {
                Assert.Equal(expected, streamed with { Format = "x" });
            }
        }
    }
}
