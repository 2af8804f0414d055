namespace GenoSeq.Data.Tests;

public class AtomicOutputTests
{
    [Fact]
    public void Commit_MakesTheFile_AndNothingElse()
    {
        using var temp = new TempFolder();
        string path = temp.PathOf("a.txt");
        using (AtomicOutput output = AtomicOutput.Create(path))
        {
            output.Stream.Write("whole"u8);
            Assert.False(File.Exists(path));
            output.Commit();
        }
        Assert.Equal("whole", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(temp.PathOf("")));
    }

    [Fact]
    public void Dispose_WithoutCommit_LeavesTheFormerFileAlone()
    {
        using var temp = new TempFolder();
        string path = temp.Write("a.txt", "former");
        using (AtomicOutput output = AtomicOutput.Create(path, new OutputOptions { Force = true }))
        {
            output.Stream.Write(new byte[1_000_000]);
        }
        Assert.Equal("former", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(temp.PathOf("")));
    }

    [Fact]
    public void Create_ExistingFileFolderOrInput_IsRefused()
    {
        using var temp = new TempFolder();
        string path = temp.Write("a.txt", "former");
        string link = temp.PathOf("link");
        File.CreateSymbolicLink(link, path);
        Assert.Equal("the file exists", Refused(path, new OutputOptions()).What);
        Assert.Equal("the file exists", Refused(link, new OutputOptions()).What);
        Assert.Equal("this is a folder", Refused(temp.PathOf(""), new OutputOptions { Force = true }).What);
        Assert.Equal("this file is being read", Refused(path, new OutputOptions { Force = true, Inputs = [link] }).What);
        Assert.Equal("former", File.ReadAllText(path));

        static OutputException Refused(string path, OutputOptions options)
        {
            var e = Assert.Throws<OutputException>(() => AtomicOutput.Create(path, options));
            Assert.Equal((OutputProblem.Refused, path), (e.Problem, e.Where));
            return e;
        }
    }

    [Fact]
    public void Commit_FileMadeMeanwhile_IsRefused()
    {
        using var temp = new TempFolder();
        string path = temp.PathOf("a.txt");
        using (AtomicOutput output = AtomicOutput.Create(path))
        {
            temp.Write("a.txt", "other");
            Assert.Equal("the file exists", Assert.Throws<OutputException>(output.Commit).What);
        }
        Assert.Equal("other", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(temp.PathOf("")));
    }

    [Fact]
    public void Create_MissingFolder_SaysSo()
    {
        using var temp = new TempFolder();
        var e = Assert.Throws<OutputException>(() => AtomicOutput.Create(temp.PathOf("no/such/a.txt")));
        Assert.Equal(OutputProblem.Failed, e.Problem);
        Assert.Contains("cannot be written", e.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Commit_ReplacedFile_KeepsItsPermissions()
    {
        using var temp = new TempFolder();
        string path = temp.Write("a.txt", "former");
        const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        File.SetUnixFileMode(path, mode);
        using AtomicOutput output = AtomicOutput.Create(path, new OutputOptions { Force = true });
        output.Commit();
        Assert.Equal(mode, File.GetUnixFileMode(path));
    }

    [Fact]
    public void Create_RemainsOfADeadProcess_AreRemoved()
    {
        using var temp = new TempFolder();
        string dead = temp.Write($".a.txt.{Environment.MachineName}~{int.MaxValue}~1.tmp", "x");
        string alive = temp.Write($".a.txt.{Environment.MachineName}~{Environment.ProcessId}~999.tmp", "x");
        string elsewhere = temp.Write($".a.txt.another-host~{int.MaxValue}~1.tmp", "x");
        using AtomicOutput output = AtomicOutput.Create(temp.PathOf("a.txt"));
        Assert.Equal((false, true, true), (File.Exists(dead), File.Exists(alive), File.Exists(elsewhere)));
    }

    [Fact]
    public void Write_FullDisk_IsOneClearError()
    {
        if (!File.Exists("/dev/full"))
        {
            return;
        }
        using AtomicOutput output = AtomicOutput.Create("/dev/full");
        var e = Assert.Throws<OutputException>(() => output.Stream.Write(new byte[1_000_000]));
        Assert.Equal(OutputProblem.DiskFull, e.Problem);
        Assert.StartsWith("/dev/full: the disk is full", e.Message, StringComparison.Ordinal);
        Assert.Contains("; expected enough space in /dev; try to free some", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FastaWriter_FullDisk_FailsAtCommitAtTheLatest()
    {
        if (!File.Exists("/dev/full"))
        {
            return;
        }
        using FastaWriter writer = FastaWriter.Create("/dev/full");
        writer.WriteRecord("a", "ACGT"u8);
        Assert.Equal(OutputProblem.DiskFull, Assert.Throws<OutputException>(writer.Commit).Problem);
    }
}
