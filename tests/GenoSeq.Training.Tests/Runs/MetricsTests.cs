using GenoSeq.Training.Runs;

namespace GenoSeq.Training.Tests.Runs;

public sealed class MetricsTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    private string Path => _temporary["metrics.jsonl"];

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Write_Line_HasStableOrderAndNoLossyNumbers()
    {
        using (MetricsWriter writer = MetricsWriter.Create(Path))
        {
            writer.Write(1, 4096, 0.5, ("val/loss", 1.0 / 3), ("train/loss", 1), ("perf/x", double.NaN), ("a", double.PositiveInfinity), ("lr", 1e-7));
        }

        Assert.Equal(
            "{\"step\":1,\"tokens\":4096,\"wall_s\":0.5,\"a\":null,\"lr\":1E-07,\"perf/x\":null,\"train/loss\":1,\"val/loss\":0.3333333333333333}\n",
            File.ReadAllText(Path));
        MetricsLine line = Assert.Single(MetricsReader.Read(Path));
        Assert.Equal(1.0 / 3, line.Values["val/loss"]);
        Assert.True(double.IsNaN(line.Values["a"]));
    }

    [Fact]
    public void Write_RandomDoubles_RoundTrip()
    {
        Random random = new(3);
        double[] values = [.. Enumerable.Range(0, 2000).Select(_ => BitConverter.Int64BitsToDouble(random.NextInt64())).Where(double.IsFinite)];
        using (MetricsWriter writer = MetricsWriter.Create(Path))
        {
            for (int i = 0; i < values.Length; i++)
            {
                writer.Write(i, i, 0, ("x", values[i]));
            }
        }

        Assert.Equal(values, MetricsReader.Read(Path).Select(l => l.Values["x"]));
    }

    [Theory]
    [InlineData("step")]
    [InlineData("wall_s")]
    [InlineData("x")]
    public void Write_KeyTwice_IsRefused(string key)
    {
        using MetricsWriter writer = MetricsWriter.Create(Path);
        Assert.Throws<ArgumentException>(() => writer.Write(1, 1, 1, ("x", 1), (key, 2)));
        writer.Write(1, 1, 1, ("x", 1));
        Assert.Single(MetricsReader.Read(Path));
    }

    [Fact]
    public void Write_Line_IsVisibleAtOnce()
    {
        using MetricsWriter writer = MetricsWriter.Create(Path);
        writer.Write(1, 1, 1);
        Assert.Single(MetricsReader.Read(Path));
        writer.Write(2, 1, 1);
        Assert.Equal(2, MetricsReader.Read(Path).Count);
    }

    [Fact]
    public void Create_FileThere_IsRefused()
    {
        File.WriteAllText(Path, "x");
        Assert.Throws<IOException>(() => MetricsWriter.Create(Path));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(10)]
    public void Resume_AfterACrash_EqualsTheUninterruptedRun(int checkpoint)
    {
        string whole = _temporary["whole.jsonl"];
        using (MetricsWriter writer = MetricsWriter.Create(whole))
        {
            Train(writer, 0, 10, wall: 1);
        }

        using (MetricsWriter writer = MetricsWriter.Create(Path))
        {
            Train(writer, 0, 9, wall: 2);
        }

        File.AppendAllText(Path, "{\"step\":10,\"tok");
        using (MetricsWriter writer = MetricsWriter.Resume(Path, checkpoint))
        {
            Train(writer, Math.Min(checkpoint, 9), 10, wall: 3);
        }

        IReadOnlyList<MetricsLine> expected = MetricsReader.Read(whole);
        IReadOnlyList<MetricsLine> actual = MetricsReader.Read(Path);
        Assert.Equal(expected.Count, actual.Count);
        Assert.All(expected.Zip(actual), pair => Assert.True(pair.First.EqualsApartFromTime(pair.Second)));
        Assert.False(expected[0].EqualsApartFromTime(expected[^1]));
    }

    [Fact]
    public void Resume_NoFile_BeginsOne()
    {
        using MetricsWriter writer = MetricsWriter.Resume(Path, 5);
        writer.Write(6, 1, 1);
        Assert.Equal(6, Assert.Single(MetricsReader.Read(Path)).Step);
    }

    [Fact]
    public void Read_DamagedMiddle_NamesTheLine()
    {
        File.WriteAllText(Path, "{\"step\":1,\"tokens\":1,\"wall_s\":1}\nnonsense\n{\"step\":2,\"tokens\":1,\"wall_s\":1}\n");
        Assert.Contains("metrics.jsonl:2:", Assert.Throws<InvalidDataException>(() => MetricsReader.Read(Path)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => MetricsWriter.Resume(Path, 5));
        Assert.Equal(3, File.ReadAllLines(Path).Length);
    }

    // Two lines a step, as when a step is validated too.
    private static void Train(MetricsWriter writer, int from, int to, double wall)
    {
        for (int step = from + 1; step <= to; step++)
        {
            writer.Write(step, step * 10, step * wall, ("train/loss", Math.Exp(-step)), ("perf/tokens_per_s", wall));
            if (step % 2 == 0)
            {
                writer.Write(step, step * 10, step * wall, ("val/loss", Math.Exp(-step)));
            }
        }
    }
}
