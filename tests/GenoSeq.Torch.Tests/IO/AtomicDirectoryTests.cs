using GenoSeq.Torch.IO;

namespace GenoSeq.Torch.Tests.IO;

public class AtomicDirectoryTests
{
    [Fact]
    public void Commit_NewFolder_AppearsWhole()
    {
        using var folder = new TemporaryFolder();
        using (var directory = AtomicDirectory.Create(folder.File("step-10")))
        {
            Directory.CreateDirectory(Path.Combine(directory.Path, "inner"));
            File.WriteAllText(Path.Combine(directory.Path, "inner", "a"), "x");
            Assert.False(Directory.Exists(folder.File("step-10")));
            directory.Commit();
        }

        Assert.Equal("x", File.ReadAllText(folder.File("step-10/inner/a")));
        Assert.Equal(["step-10"], folder.Names);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Commit_ExistingFolder_IsReplacedWhole(bool mayExchange)
    {
        using var folder = new TemporaryFolder();
        AtomicDirectory.Write(folder.File("c"), path => File.WriteAllText(Path.Combine(path, "old"), "old"));
        using (var directory = AtomicDirectory.Create(folder.File("c/")))
        {
            File.WriteAllText(Path.Combine(directory.Path, "new"), "new");
            directory.CommitBy(mayExchange);
        }

        Assert.Equal([folder.File("c/new")], Directory.GetFiles(folder.File("c")));
        Assert.Equal(["c"], folder.Names);
    }

    [Fact]
    public void Write_CallbackThrows_OldFolderStaysAndNothingIsLeft()
    {
        using var folder = new TemporaryFolder();
        AtomicDirectory.Write(folder.File("c"), path => File.WriteAllText(Path.Combine(path, "a"), "old"));
        Assert.Throws<InvalidOperationException>(() => AtomicDirectory.Write(folder.File("c"), path =>
        {
            File.WriteAllText(Path.Combine(path, "a"), "half");
            throw new InvalidOperationException();
        }));
        Assert.Equal("old", File.ReadAllText(folder.File("c/a")));
        Assert.Equal(["c"], folder.Names);
    }

    [Fact]
    public void Commit_FileOfThatName_IsRefusedAndKept()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("c"), "a file");
        var error = Assert.Throws<IOException>(() => AtomicDirectory.Write(folder.File("c"), _ => { }));
        Assert.Contains(folder.File("c"), error.Message, StringComparison.Ordinal);
        Assert.Equal(["c"], folder.Names);
    }

    [Fact]
    public void Commit_Twice_Throws()
    {
        using var folder = new TemporaryFolder();
        using var directory = AtomicDirectory.Create(folder.File("c"));
        directory.Commit();
        Assert.Throws<ObjectDisposedException>(directory.Commit);
    }

    [Fact]
    public void Create_HalfWrittenFolderOfDeadProcess_IsRemoved()
    {
        using var folder = new TemporaryFolder();
        var stale = Directory.CreateDirectory(folder.File($".c.{Environment.MachineName}~0~1~1.tmp"));
        File.WriteAllText(Path.Combine(stale.FullName, "a"), "half");
        using (var directory = AtomicDirectory.Create(folder.File("c")))
        {
            Assert.False(stale.Exists && Directory.Exists(stale.FullName));
            Assert.True(Directory.Exists(directory.Path));
        }

        Assert.Empty(folder.Names);
    }

    [Fact]
    public void Create_BesideAnotherWriterOfThisProcess_LeavesItsFolderAlone()
    {
        using var folder = new TemporaryFolder();
        using var first = AtomicDirectory.Create(folder.File("c"));
        using var second = AtomicDirectory.Create(folder.File("c"));
        Assert.NotEqual(first.Path, second.Path);
        Assert.True(Directory.Exists(first.Path));
    }

    [Fact]
    public void Recover_CrashBetweenTheTwoRenames_RestoresTheFormerFolder()
    {
        using var folder = new TemporaryFolder();
        var host = Environment.MachineName;
        var former = Directory.CreateDirectory(folder.File($".c.{host}~0~1~2.old"));
        File.WriteAllText(Path.Combine(former.FullName, "a"), "old");
        Directory.CreateDirectory(folder.File($".c.{host}~0~1~1.tmp"));
        AtomicDirectory.Recover(folder.File("c"));
        Assert.Equal("old", File.ReadAllText(folder.File("c/a")));
        Assert.Equal(["c"], folder.Names);
    }

    [Fact]
    public void Recover_CrashAfterBothRenames_KeepsTheNewFolder()
    {
        using var folder = new TemporaryFolder();
        AtomicDirectory.Write(folder.File("c"), path => File.WriteAllText(Path.Combine(path, "a"), "new"));
        Directory.CreateDirectory(folder.File($".c.{Environment.MachineName}~0~1~2.old"));
        AtomicDirectory.Recover(folder.File("c"));
        Assert.Equal("new", File.ReadAllText(folder.File("c/a")));
        Assert.Equal(["c"], folder.Names);
    }
}
