namespace GenoSeq.Data.Tests.Fuzz;

public class CompressionFuzzTests
{
    [Fact]
    public void Run_MutatedSeeds_OnlyInputDataExceptionEscapes()
    {
        var random = new Random(42);
        byte[][] seeds = [.. CompressionFuzz.Seeds()];
        for (int i = 0; i < 4000; i++)
        {
            var bytes = new List<byte>(seeds[random.Next(seeds.Length)]);
            for (int edits = random.Next(1, 5); edits > 0 && bytes.Count > 0; edits--)
            {
                // Headers and trailers are where the lengths are.
                int at = random.Next(2) == 0 ? random.Next(Math.Min(bytes.Count, 32)) : random.Next(bytes.Count);
                switch (random.Next(5))
                {
                    case 0:
                        bytes[at] = (byte)random.Next(256);
                        break;
                    case 1:
                        bytes[at] ^= (byte)(1 << random.Next(8));
                        break;
                    case 2:
                        bytes.RemoveRange(at, Math.Min(random.Next(1, 20), bytes.Count - at));
                        break;
                    case 3:
                        bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 40), bytes.Count - at)));
                        break;
                    default:
                        bytes.RemoveRange(at, bytes.Count - at);
                        break;
                }
            }
            CompressionFuzz.Run([.. bytes]);
        }
    }
}
