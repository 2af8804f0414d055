using System.Text;

namespace GenoSeq.Training.Benchmarks;

/// <summary>A FASTA file of random bases in a folder of its own, so that training steps can be taken without any data.</summary>
internal sealed class RandomGenome : IDisposable
{
    private const int LineLength = 80;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("genoseq-bench-");

    internal RandomGenome(long bases, int seed)
    {
        File = Path.Combine(_folder.FullName, "random.fa");
        using var writer = new StreamWriter(File, false, new UTF8Encoding(false), 1 << 16);
        writer.Write(">random\n");
        var random = new Random(seed);
        char[] line = new char[LineLength + 1];
        for (long at = 0; at < bases; at += LineLength)
        {
            int count = (int)Math.Min(LineLength, bases - at);
            random.GetItems("ACGT", line.AsSpan(0, count));
            line[count] = '\n';
            writer.Write(line, 0, count + 1);
        }
    }

    internal string File { get; }

    /// <summary>A folder beside the file, for what is thrown away with it.</summary>
    internal string Folder => _folder.FullName;

    public void Dispose() => _folder.Delete(recursive: true);
}
