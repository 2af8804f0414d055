using System.Runtime.InteropServices;
using System.Text;
using GenoSeq.Data.Tests.Fuzz.Targets;

namespace GenoSeq.Data.Tests.Statistics;

/// <summary>Every way of counting gives what the readers give.</summary>
public class SequenceScanTests
{
    private static readonly string[] s_ends = ["\n", "\r\n", "\r"];

    [Theory]
    [InlineData(SequenceLetters.Dna)]
    [InlineData(SequenceLetters.AnyLetter)]
    [InlineData(SequenceLetters.Any)]
    public void Classify_RandomBytes_VectorsAgreeWithScalar(SequenceLetters letters)
    {
        var random = new Random(3);
        var bytes = new byte[64];
        for (int round = 0; round < 5000; round++)
        {
            random.NextBytes(bytes);
            if (round % 2 == 0)
            {
                for (int i = 0; i < 64; i++)
                {
                    bytes[i] &= 0x7F;
                }
            }
            ref byte at = ref MemoryMarshal.GetArrayDataReference(bytes);
            string expected = Text(new ScalarClassifier(letters), ref at);
            if (Vector256Classifier.IsSupported)
            {
                Assert.Equal(expected, Text(new Vector256Classifier(letters), ref at));
            }
            if (Vector512Classifier.IsSupported)
            {
                Assert.Equal(expected, Text(new Vector512Classifier(letters), ref at));
            }
        }
    }

    private static string Text<T>(T classifier, ref byte at)
        where T : struct, IBlockClassifier
    {
        classifier.Classify(ref at, out BlockMasks m);
        return $"{m.Sequence:x} {m.Strong:x} {m.Weak:x} {m.N:x} {m.Lower:x} {m.Foreign:x} {m.LineFeed:x} {m.CarriageReturn:x} {classifier.NoQuality(ref at):x}";
    }

    [Fact]
    public void Scan_RandomFasta_EveryWayAgrees()
    {
        var random = new Random(4);
        for (int round = 0; round < 400; round++)
        {
            SequenceFuzz.Run(Encoding.Latin1.GetBytes(Fasta(random)));
        }
    }

    [Fact]
    public void Scan_PlusWhereAFastqSequenceShouldBe_EveryWayAgrees() => SequenceFuzz.Run("@a\nACGT\n+\nIIII\n@bc\n+CGT\n+\nIIII\n"u8);

    [Fact]
    public void Scan_UsualFasta_TakesTheFastWayWithAnyPieceSize()
    {
        var random = new Random(5);
        for (int round = 0; round < 200; round++)
        {
            string end = s_ends[round % 2];
            byte[] bytes = Encoding.Latin1.GetBytes(Fasta(random, end));
            SequenceStats? expected = SequenceFuzz.ByReader(bytes, SequenceLetters.Dna, fastq: false);
            foreach (int piece in (int[])[1, 2, 3, 61, 64, 100, 1000])
            {
                Assert.Equal(expected, MemoryScan.Try(bytes, SequenceLetters.Dna, false, piece, new ScalarClassifier(SequenceLetters.Dna), true));
            }
        }
    }

    [Fact]
    public void Measure_FastqFileInSmallPieces_AgreesWithReader()
    {
        using var folder = new TempFolder();
        var random = new Random(6);
        string path = folder.PathOf("reads.fq");
        for (int round = 0; round < 40; round++)
        {
            string end = s_ends[round % 2];
            var text = new StringBuilder();
            for (int r = 0; r < 300; r++)
            {
                string bases = Random(random, "ACGTNacgt", random.Next(0, 200));
                string name = "r" + r + " x";
                text.Append('@').Append(name).Append(end).Append(bases).Append(end).Append('+').Append(random.Next(3) == 0 ? name : "").Append(end)
                    .Append(Random(random, "@+!~FI#", bases.Length)).Append(end);
            }
            File.WriteAllText(path, text.ToString());
            using var handle = File.OpenHandle(path);
            var options = new SequenceStatisticsOptions { Threads = 3 };
            bool fast = SequenceStatistics.TryPlainFile(handle, "fuzz", options, 8192, out SequenceStats? stats);
            Assert.True(fast);
            Assert.Equal(SequenceFuzz.ByReader(File.ReadAllBytes(path), SequenceLetters.Dna, true)! with { Format = "FASTQ" }, stats);
        }
    }

    [Fact]
    public void Measure_MutatedInput_NothingButRefusals()
    {
        var random = new Random(7);
        byte[] fasta = ">a b\r\nACGTNNnnacgt\r\nRYK\n>b\n\n>c\nACGT-*.\n"u8.ToArray();
        byte[] fastq = "@a b\nACGTN\n+a b\n@+!~I\n@c\n\n+\n\n@d\r\nAC\r\nGT\r\n+\r\nII\r\nII\r\n"u8.ToArray();
        for (int round = 0; round < 3000; round++)
        {
            List<byte> bytes = [.. round % 2 == 0 ? fasta : fastq];
            for (int edits = random.Next(1, 4); edits > 0; edits--)
            {
                int at = random.Next(bytes.Count);
                switch (random.Next(4))
                {
                    case 0: bytes[at] = (byte)random.Next(256); break;
                    case 1: bytes.Insert(at, "\r\n>@+; #AN"u8[random.Next(10)]); break;
                    case 2: bytes.RemoveAt(at); break;
                    default: bytes.InsertRange(at, bytes.GetRange(0, at)); break;
                }
            }
            SequenceFuzz.Run([.. bytes]);
        }
    }

    private static string Fasta(Random random, string? fixedEnd = null)
    {
        var text = new StringBuilder();
        int records = random.Next(1, 6);
        for (int r = 0; r < records; r++)
        {
            string End() => fixedEnd ?? s_ends[random.Next(20) == 0 ? random.Next(3) : random.Next(2)];
            text.Append('>').Append(random.Next(4) == 0 ? "" : "name " + new string('x', random.Next(100))).Append(End());
            int width = random.Next(1, 200);
            for (int lines = random.Next(0, 8); lines > 0; lines--)
            {
                text.Append(Random(random, "ACGTNacgtnRYSW-*.u", random.Next(10) == 0 ? 0 : width)).Append(lines == 1 && r == records - 1 && random.Next(2) == 0 ? "" : End());
            }
        }
        return text.ToString();
    }

    private static string Random(Random random, string letters, int count) =>
        string.Concat(Enumerable.Range(0, count).Select(_ => letters[random.Next(letters.Length)]));
}
