using System.Diagnostics;
using GenoSeq.Data;

namespace GenoSeq.Benchmarks.Data;

/// <summary>Speed of compressed input and output, and of bgzip beside it where that is installed. Best of several, ours
/// and theirs in turn, so that other work on the machine hits both.</summary>
internal static class CompressionBenchmark
{
    private const int Bases = 500_000_000;
    private const int Repeats = 5;
    private const int Windows = 20_000;
    private const int WindowLength = 131_072;

    /// <summary>Measures; files of half a gigabyte are made in the folder and stay there for the next time.</summary>
    internal static IEnumerable<(string Name, double Value, string Unit)> Run(string folder)
    {
        string plain = Path.Combine(folder, "compression.fa");
        string bgzf = Path.Combine(folder, "compression.fa.gz");
        if (!File.Exists(bgzf))
        {
            MakeFiles(plain, bgzf);
        }
        double size = new FileInfo(plain).Length / 1e9;
        double ours = double.MaxValue;
        double one = double.MaxValue;
        double theirs = double.MaxValue;
        bool tool = HasBgzip();
        for (int i = 0; i < Repeats; i++)
        {
            ours = Math.Min(ours, Seconds(() => Drain(bgzf, threads: 2)));
            one = Math.Min(one, Seconds(() => Drain(bgzf, threads: 1)));
            theirs = tool ? Math.Min(theirs, Seconds(() => Shell($"bgzip -d -c -@2 '{bgzf}' | wc -c"))) : theirs;
        }
        yield return ("bgzf read, 2 threads", size / ours, "GB/s");
        yield return ("bgzf read, 1 thread", size / one, "GB/s");
        if (tool)
        {
            yield return ("bgzip -d -c -@2 | wc -c", size / theirs, "GB/s");
        }
        yield return ("plain read", size / Best(() => Drain(plain, threads: 2)), "GB/s");
        yield return ("bgzf index build", 1e3 * Best(() => BgzfIndex.Build(bgzf)), "ms");
        yield return ("bgzf random windows of 131,072 bytes, 2 threads", Windows * (WindowLength / 1e9) / Best(() => RandomWindows(bgzf)), "GB/s");
        yield return ("bgzf write, level 1, 2 threads", size / Seconds(() => Write(plain, 1)), "GB/s");
        yield return ("bgzf write, level 6, 2 threads", size / Seconds(() => Write(plain, 6)), "GB/s");
        if (tool)
        {
            yield return ("bgzip -c -@2 (level 6)", size / Seconds(() => Shell($"bgzip -c -@2 '{plain}' > /dev/null")), "GB/s");
        }
    }

    private static void MakeFiles(string plain, string bgzf)
    {
        var random = new Random(1);
        var piece = new byte[1 << 20];
        using FastaWriter a = FastaWriter.Create(plain, new FastaWriterOptions { Output = new() { Force = true } });
        using FastaWriter b = FastaWriter.Create(bgzf, new FastaWriterOptions { Output = new() { Force = true } });
        a.BeginRecord("chr1");
        b.BeginRecord("chr1");
        for (int done = 0; done < Bases; done += piece.Length)
        {
            random.GetItems("ACGT"u8, piece);
            a.Append(piece);
            b.Append(piece);
        }
        a.Commit();
        b.Commit();
    }

    private static void Drain(string path, int threads)
    {
        using InputFile file = InputFile.Open(path, new InputFileOptions { Threads = threads });
        var buffer = new byte[1 << 18];
        while (file.Content.Read(buffer) > 0)
        {
        }
    }

    private static void RandomWindows(string path)
    {
        using BgzfFile file = BgzfFile.Open(path);
        Parallel.For(0, 2, worker =>
        {
            var random = new Random(worker);
            var window = new byte[WindowLength];
            for (int i = 0; i < Windows / 2; i++)
            {
                file.Read(random.NextInt64(file.Length - WindowLength), window);
            }
        });
    }

    private static void Write(string plain, int level)
    {
        using FileStream input = File.OpenRead(plain);
        using var writer = new BgzfWriter(Stream.Null, new BgzfWriterOptions { Level = level, Threads = 2 });
        input.CopyTo(writer, 1 << 18);
        writer.Complete();
    }

    private static bool HasBgzip() => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, "bgzip")));

    private static void Shell(string command)
    {
        var start = new ProcessStartInfo("bash", ["-c", command]) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
    }

    private static double Best(Action action) => Enumerable.Range(0, Repeats).Min(_ => Seconds(action));

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
