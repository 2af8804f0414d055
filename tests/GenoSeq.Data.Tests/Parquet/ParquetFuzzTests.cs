using System.Globalization;
using GenoSeq.Data.Tests.Fuzz.Targets;

namespace GenoSeq.Data.Tests;

/// <summary>Damaged files: those that the native decoder is known not to survive, and seeded mutations of the peer files.</summary>
public sealed class ParquetFuzzTests
{
    private const int DefaultInputs = 300;

    [SharedTheory]
    [InlineData("delta_encoding_optional_column.parquet", "6383=0 6384=0 6385=0 6386=0")]
    [InlineData("delta_length_byte_array.parquet", "451=135 452=61 453=74")]
    [InlineData("byte_array_decimal.parquet", "228=36")]
    [InlineData("int32_decimal.parquet", "176=36")]
    [InlineData("delta_encoding_optional_column.parquet", "137=32 1223=50 1405=7 3553=8 5743=68 6956=110 7048=80 7811=102 8483=56 11165=103 11258=119 11291=122 11456=168 11498=60 11529=4 11550=64")]
    [InlineData("delta_encoding_optional_column.parquet", "213=119 878=223 2691=73 4375=16 4419=99 5304=0 6836=102 7551=117 8493=119 9148=8 11292=68 11297=118 11375=201 11485=96 11489=19 11551=2")]
    public void Run_FileThatCrashesTheDecoder_IsRefusedBefore(string name, string changes)
    {
        byte[] bytes = File.ReadAllBytes(Repository.SharedPath("data", "peer_inputs", "parquet_testing", "data", name));
        foreach (string change in changes.Split(' '))
        {
            string[] parts = change.Split('=');
            bytes[int.Parse(parts[0], CultureInfo.InvariantCulture)] = byte.Parse(parts[1], CultureInfo.InvariantCulture);
        }

        ParquetFuzz.Run(bytes);
    }

    // GENOSEQ_FUZZ_PARQUET=N runs N inputs from seed GENOSEQ_FUZZ_SEED on.
    [SharedFact]
    public void Run_MutatedPeerFiles_OnlyRefuses()
    {
        int count = Variable("GENOSEQ_FUZZ_PARQUET", DefaultInputs);
        int first = Variable("GENOSEQ_FUZZ_SEED", 1);
        byte[][] files = [.. Directory.EnumerateFiles(Repository.SharedPath("data", "peer_inputs", "parquet_testing"), "*.parquet", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal).Where(f => !f.Contains("large_string", StringComparison.Ordinal)).Select(File.ReadAllBytes).Where(b => b.Length < 20_000)];
        for (int seed = first; seed < first + count; seed++)
        {
            ParquetFuzz.Run(Mutate(files, new Random(seed)));
        }
    }

    private static byte[] Mutate(byte[][] files, Random random)
    {
        List<byte> bytes = [.. files[random.Next(files.Length)]];
        int kind = random.Next(6);
        for (int n = 1 << random.Next(5); n > 0 && bytes.Count > 20; n--)
        {
            // Half of the changes fall near the end, where the footer is.
            int at = random.Next(2) == 0 ? random.Next(bytes.Count) : Math.Max(0, bytes.Count - 1 - (int)(-200 * Math.Log(1 - random.NextDouble())));
            switch (kind)
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = random.Next(6) switch { 0 => 0, 1 => 1, 2 => 0x7F, 3 => 0x80, 4 => 0xFF, _ => (byte)random.Next(256) };
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(bytes.Count - at, random.Next(1, 16)));
                    break;
                case 3:
                    byte[] other = files[random.Next(files.Length)];
                    int from = random.Next(other.Length);
                    bytes.InsertRange(at, other.AsSpan(from, Math.Min(other.Length - from, random.Next(1, 200))).ToArray());
                    break;
                case 4:
                    for (int i = at; i < Math.Min(bytes.Count, at + 4); i++)
                    {
                        bytes[i] = (byte)(random.Next(2) * 255);
                    }

                    break;
                default:
                    bytes.RemoveRange(at, bytes.Count - at);
                    bytes.AddRange("PAR1"u8);
                    break;
            }
        }

        return [.. bytes];
    }

    private static int Variable(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}
