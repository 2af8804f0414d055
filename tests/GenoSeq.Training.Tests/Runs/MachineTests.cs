using System.Text.Json.Nodes;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.Tests.Runs;

public class MachineTests
{
    [Fact]
    public void Collect_ThisMachine_FillsEveryFact()
    {
        EnvironmentInfo info = EnvironmentInfo.Collect("1.2.3", 3, new Dictionary<string, string> { ["z_device"] = "cpu", ["engine"] = "1" });
        Assert.Equal(Environment.ProcessorCount, info.Cores);
        Assert.InRange(info.MemoryBytes, 1 << 26, long.MaxValue);
        JsonObject json = info.ToJson();
        Assert.Equal(3, (int)json["threads"]!);
        Assert.Equal(["engine", "z_device"], json.Select(p => p.Key).TakeLast(2));
        Assert.DoesNotContain(Environment.MachineName, json.Where(p => p.Key != "os").Select(p => p.Value!.ToString()));
        Assert.All(json, p => Assert.NotEqual(string.Empty, p.Value!.ToString()));
    }

    [Fact]
    public void Usage_AfterWork_Grows()
    {
        ProcessUsage before = ProcessUsage.Read();
        byte[] block = GC.AllocateUninitializedArray<byte>(64 << 20);
        block.AsSpan().Fill(1);
        long sum = 0;
        while (ProcessUsage.Read().Cpu == before.Cpu)
        {
            sum += block[sum % block.Length];
        }

        GC.KeepAlive(block);
        ProcessUsage after = ProcessUsage.Read();
        Assert.True(after.Cpu > before.Cpu);
        Assert.True(after.Wall > before.Wall);
        Assert.InRange(after.PeakBytes, 64 << 20, 1L << 40);
        Assert.True(after.PeakBytes >= before.PeakBytes);
    }

    [Fact]
    public void Usage_Text_IsOneLine() => Assert.Equal(
        "wall 12.5 s, CPU 40.123 s, peak memory 1.250 GiB",
        new ProcessUsage(TimeSpan.FromSeconds(12.5), TimeSpan.FromSeconds(40.1234), 5L << 28).ToString());
}
