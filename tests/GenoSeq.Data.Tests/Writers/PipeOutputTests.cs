using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace GenoSeq.Data.Tests;

public sealed partial class PipeOutputTests
{
    private const int SetFlags = 4;
    private const int NonBlocking = 0x800;

    /// <summary>A pipe holds 64 KiB; the writer meets a full one many times, and the reader still gets every byte in order.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(NonBlocking)]
    public async Task Write_MoreThanThePipeHolds_WaitsForTheReader(int flags)
    {
        byte[] data = new byte[1_000_003];
        new Random(1).NextBytes(data);
        (SafeFileHandle from, SafeFileHandle to) = Pipe(flags);
        Task<byte[]> reader = Task.Run(() =>
        {
            using var stream = new FileStream(from, FileAccess.Read, bufferSize: 0);
            using var all = new MemoryStream();
            byte[] some = new byte[10_000];
            for (int n, k = 0; (n = stream.Read(some)) > 0; k++)
            {
                all.Write(some.AsSpan(0, n));
                if (k % 20 == 0)
                {
                    Thread.Sleep(2);
                }
            }

            return all.ToArray();
        });
        using (to)
        {
            using var output = new PipeOutput((int)to.DangerousGetHandle());
            output.Write(data, 0, 700_001);
            output.Write(data.AsSpan(700_001));
            output.Flush();
        }

        Assert.Equal(data, await reader.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void Write_ReaderIsGone_IsAnError()
    {
        (SafeFileHandle from, SafeFileHandle to) = Pipe(NonBlocking);
        from.Dispose();
        using (to)
        {
            using var output = new PipeOutput((int)to.DangerousGetHandle());
            var e = Assert.Throws<IOException>(() => output.Write("ACGT"u8));
            Assert.Equal(32, e.HResult);
        }
    }

    [Fact]
    public void Write_NoDescriptor_IsAnError()
    {
        using var output = new PipeOutput(-1);
        Assert.Throws<IOException>(() => output.Write("ACGT"u8));
        output.Write([]);
        Assert.Throws<ArgumentOutOfRangeException>(() => output.Write(new byte[3], 1, 3));
    }

    // The flags are the writing end's.
    private static unsafe (SafeFileHandle From, SafeFileHandle To) Pipe(int flags)
    {
        int* ends = stackalloc int[2];
        Assert.Equal(0, MakePipe(ends, 0x80000));
        Assert.Equal(0, Control(ends[1], SetFlags, flags));
        return (new SafeFileHandle(ends[0], ownsHandle: true), new SafeFileHandle(ends[1], ownsHandle: true));
    }

    [LibraryImport("libc", EntryPoint = "pipe2")]
    private static unsafe partial int MakePipe(int* ends, int flags);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command, int value);
}
