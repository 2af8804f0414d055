using GenoSeq.Torch.IO;

namespace GenoSeq.Torch.Tests.IO;

public class AtomicFileTests
{
    [Fact]
    public void Write_NewFile_HasContentAndNothingElse()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.WriteAllText(folder.File("a.txt"), "ACGT\u00e9");
        Assert.Equal("ACGT\u00e9"u8.ToArray(), File.ReadAllBytes(folder.File("a.txt")));
        Assert.Equal(["a.txt"], folder.Names);
    }

    [Fact]
    public void Write_RelativePath_IsSeenFromTheCurrentFolder()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.WriteAllText(Path.GetRelativePath(Environment.CurrentDirectory, folder.File("a")), "x");
        Assert.Equal("x", File.ReadAllText(folder.File("a")));
    }

    [Fact]
    public void Write_ExistingFile_ReplacesAndKeepsPermissions()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("a");
        File.WriteAllText(path, "a longer old content");
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, Mode);
        AtomicFile.WriteAllText(path, "new");
        Assert.Equal("new", File.ReadAllText(path));
        if (!OperatingSystem.IsWindows()) Assert.Equal(Mode, File.GetUnixFileMode(path));
    }

    [Fact]
    public void Write_FewerBytesThanAnnounced_FileEndsWithLastByte()
    {
        using var folder = new TemporaryFolder();
        AtomicFile.Write(folder.File("a"), stream => stream.WriteByte(7), length: 100_000);
        Assert.Equal([7], File.ReadAllBytes(folder.File("a")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(1_000_000)]
    public void Write_CallbackThrowsInTheMiddle_OldFileStaysAndNothingIsLeft(int bytesBefore)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a"), "old");
        var thrown = Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(folder.File("a"), stream =>
        {
            stream.Write(new byte[bytesBefore]);
            throw new InvalidOperationException("stop");
        }));
        Assert.Equal("stop", thrown.Message);
        Assert.Equal("old", File.ReadAllText(folder.File("a")));
        Assert.Equal(["a"], folder.Names);
    }

    [Fact]
    public void Write_WhileReaderHoldsOldFile_ReaderKeepsOldContent()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a"), "old");
        using var reader = new StreamReader(folder.File("a"));
        AtomicFile.WriteAllText(folder.File("a"), "new");
        Assert.Equal("old", reader.ReadToEnd());
        Assert.Equal("new", File.ReadAllText(folder.File("a")));
    }

    [Fact]
    public void Write_SymbolicLink_ReplacesTheTarget()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("target"), "old");
        File.CreateSymbolicLink(folder.File("link"), "target");
        AtomicFile.WriteAllText(folder.File("link"), "new");
        Assert.Equal("new", File.ReadAllText(folder.File("target")));
        Assert.Equal("target", new FileInfo(folder.File("link")).LinkTarget);
    }

    [Fact]
    public void Write_FolderMissing_ThrowsDirectoryNotFound()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<DirectoryNotFoundException>(() => AtomicFile.WriteAllText(folder.File("no/a"), "x"));
    }

    [Fact]
    public void Write_RemainsOfDeadProcess_AreRemovedAndOthersKept()
    {
        using var folder = new TemporaryFolder();
        var host = Environment.MachineName;
        // No process has number 0 in /proc; our own number with another start time belonged to a former process.
        File.WriteAllText(folder.File($".a.{host}~0~1~1.tmp"), "dead");
        File.WriteAllText(folder.File($".a.{host}~{Environment.ProcessId}~1~1.tmp"), "dead");
        string[] kept =
        [
            $".a.other-{host}~0~1~1.tmp",
            $".ab.{host}~0~1~1.tmp",
            $".a.b.{host}~0~1~1.tmp",
            ".a.notes.tmp",
            Path.GetFileName(TemporaryName.For(folder.File("a"))),
        ];
        foreach (var name in kept) File.WriteAllText(folder.File(name), "alive");
        AtomicFile.WriteAllText(folder.File("a"), "x");
        Assert.Equal(kept.Append("a").Order(StringComparer.Ordinal), folder.Names);
    }

    [SmallDiskFact]
    public void Write_FullDiskKnownLength_NamesBytesWantedAndKeepsOldFile() => OnFullDisk(2_000_000, "2000000 bytes");

    [SmallDiskFact]
    public void Write_FullDiskUnknownLength_NamesBytesWantedAndKeepsOldFile() => OnFullDisk(null, "more than ");

    private static void OnFullDisk(long? length, string wanted)
    {
        using var disk = SmallDisk.TryMount()!;
        var path = Path.Combine(disk.Path, "a");
        File.WriteAllText(path, "old");
        var error = Assert.Throws<IOException>(
            () => AtomicFile.Write(path, stream => stream.Write(new byte[2_000_000]), length));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("disk is full: " + wanted, error.Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(disk.Path));
    }
}
