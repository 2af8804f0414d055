using System.Runtime.InteropServices;
using GenoSeq.Training.Runs;

namespace GenoSeq.Training.Tests.Runs;

public partial class ShutdownSignalTests
{
    private const int SigInt = 2;
    private const int SigTerm = 15;

    [Theory]
    [InlineData(SigInt, "SIGINT")]
    [InlineData(SigTerm, "SIGTERM")]
    public void Signal_FirstAsksSecondExits_WithCode130(int signal, string name)
    {
        List<string> words = [];
        using ManualResetEventSlim exited = new();
        int code = 0;
        using ShutdownSignal shutdown = new(
            text =>
            {
                lock (words)
                {
                    words.Add(text);
                }
            },
            exit =>
            {
                code = exit;
                exited.Set();
            });
        Assert.False(shutdown.IsRequested);

        Assert.Equal(0, Kill(Environment.ProcessId, signal));
        Assert.True(shutdown.Token.WaitHandle.WaitOne(TimeSpan.FromSeconds(10)));
        Assert.False(exited.IsSet);

        Assert.Equal(0, Kill(Environment.ProcessId, signal));
        Assert.True(exited.Wait(TimeSpan.FromSeconds(10)));
        Assert.Equal(130, code);
        Assert.Equal(2, words.Count);
        Assert.All(words, text => Assert.StartsWith(name, text, StringComparison.Ordinal));
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
