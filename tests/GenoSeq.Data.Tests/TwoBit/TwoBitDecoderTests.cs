using System.Runtime.Intrinsics.X86;

namespace GenoSeq.Data.Tests;

public class TwoBitDecoderTests
{
    [Fact]
    public void Decode_EveryPath_AgreesWithTheDefinition()
    {
        var random = new Random(3);
        foreach (int length in new[] { 0, 1, 15, 16, 17, 31, 32, 33, 64, 100, 1000 })
        {
            var packed = new byte[length];
            random.NextBytes(packed);
            byte[] expected = [.. packed.SelectMany(b => new[] { 6, 4, 2, 0 }.Select(s => (byte)"TCAG"[(b >> s) & 3]))];
            var letters = new byte[4 * length];
            TwoBitDecoder.Decode(packed, letters);
            Assert.Equal(expected, letters);
            Array.Clear(letters);
            TwoBitDecoder.DecodeScalar(packed, letters);
            Assert.Equal(expected, letters);
            if (Avx2.IsSupported)
            {
                Vector(TwoBitDecoder.DecodeAvx2(packed, letters), 32);
            }
            if (Avx512Vbmi.IsSupported)
            {
                Vector(TwoBitDecoder.DecodeVbmi(packed, letters), 16);
            }

            void Vector(int done, int step)
            {
                Assert.Equal(length / step * step, done);
                Assert.Equal(expected[..(4 * done)], letters[..(4 * done)]);
                Array.Clear(letters);
            }
        }
    }
}
