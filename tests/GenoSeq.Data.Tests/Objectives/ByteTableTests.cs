using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Data.Tests.Objectives;

public class ByteTableTests
{
    public static TheoryData<string> Tables => new("caduceus ids", "caduceus opposite", "byte ids", "byte opposite", "targets", "random", "zero");

    private static ByteTable Table(string name) => name switch
    {
        "caduceus ids" => Alphabet.Caduceus.Ids,
        "caduceus opposite" => Alphabet.Caduceus.OppositeIds,
        "byte ids" => Alphabet.Bytes.Ids,
        "byte opposite" => Alphabet.Bytes.OppositeIds,
        "targets" => Alphabet.Bytes.Targets,
        "zero" => ByteTable.Of(_ => 0),
        _ => new ByteTable(RandomBytes(256, 9)),
    };

    private static byte[] RandomBytes(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void Map_EveryPathDirectionAndLength_IsTheTable(string name)
    {
        ByteTable table = Table(name);
        for (int length = 0; length < 300; length++)
        {
            byte[] source = RandomBytes(length, length);
            foreach (bool reversed in (bool[])[false, true])
            {
                byte[] expected = [.. source.Select(b => table[b])];
                if (reversed)
                {
                    Array.Reverse(expected);
                }
                var target = new byte[length];
                table.Map(source, target, reversed);
                Assert.Equal(expected, target);
                Assert.Equal(expected, Run((s, t) => { table.MapScalar(s, t, reversed); return s.Length; }, source));
                if (Avx2.IsSupported)
                {
                    Assert.Equal(expected, Run((s, t) => table.Map256(s, t, reversed), source, expected));
                }
                if (Avx512Vbmi.IsSupported)
                {
                    Assert.Equal(expected, Run((s, t) => table.Map512(s, t, reversed), source, expected));
                }
            }
        }
    }

    [Theory]
    [InlineData("caduceus")]
    [InlineData("bytes")]
    public void AlphabetTables_EveryByte_AreItsIdsAndTargets(string name)
    {
        Alphabet alphabet = Alphabet.Get(name);
        for (int b = 0; b < 256; b++)
        {
            byte value = (byte)b;
            byte opposite = DnaComplement.Of(value);
            Assert.Equal(alphabet.Encode(value), alphabet.Ids[value]);
            Assert.Equal(alphabet.Encode(opposite), alphabet.OppositeIds[value]);
            Assert.Equal(alphabet.IsTarget(alphabet.Encode(value)) ? 255 : 0, alphabet.Targets[value]);
            Assert.Equal(alphabet.IsTarget(alphabet.Encode(opposite)) ? 255 : 0, alphabet.OppositeTargets[value]);
        }
    }

    private delegate int Mapper(byte[] source, byte[] target);

    // A vector path does whole groups; the rest is taken from the expectation.
    private static byte[] Run(Mapper map, byte[] source, byte[]? expected = null)
    {
        var target = new byte[source.Length];
        int done = map(source, target);
        expected?.AsSpan(done).CopyTo(target.AsSpan(done));
        Assert.True(done > source.Length - 64);
        return target;
    }
}
