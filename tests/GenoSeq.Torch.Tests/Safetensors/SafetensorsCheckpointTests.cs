using GenoSeq.Torch.Safetensors;
using GenoSeq.Torch.Tests.IO;

namespace GenoSeq.Torch.Tests.Safetensors;

public class SafetensorsCheckpointTests
{
    private const string Index = "model.safetensors.index.json";

    private static readonly string[] s_threeShards =
    [
        "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors", Index,
    ];

    [Fact]
    public void Write_LargerThanAShard_SplitsInOrderAndReadsBackAsOne()
    {
        using var folder = new TemporaryFolder();
        var files = SafetensorsShards.Write(folder.Path, Five(), 24, new Dictionary<string, string> { ["format"] = "pt" });
        Assert.Equal(s_threeShards, files.Select(Path.GetFileName));
        Assert.Equal(s_threeShards, folder.Names);

        var index = SafetensorsIndex.Read(folder.File(Index));
        Assert.Equal(5 * 12, index.TotalSize);
        Assert.Equal(s_threeShards[..3], index.Shards);
        Assert.Equal(s_threeShards[0], index.WeightMap["t1"]);
        Assert.Equal(s_threeShards[1], index.WeightMap["t2"]);

        foreach (var path in new[] { folder.Path, folder.File(Index) })
        {
            using var checkpoint = SafetensorsCheckpoint.Open(path);
            Assert.Equal(["t0", "t1", "t2", "t3", "t4"], checkpoint.Entries.Select(entry => entry.Name));
            Assert.Equal("pt", checkpoint.Metadata["format"]);
            for (var i = 0; i < 5; i++)
            {
                Assert.Equal([i, i + 1, i + 2], checkpoint.ToArray<int>($"t{i}"));
                Assert.Equal([3], checkpoint[$"t{i}"].Shape);
            }
        }
    }

    [Fact]
    public void Write_FitsOneShard_HasNoIndex()
    {
        using var folder = new TemporaryFolder();
        SafetensorsShards.Write(folder.Path, Five(), 60);
        Assert.Equal(["model.safetensors"], folder.Names);
        using var checkpoint = SafetensorsCheckpoint.Open(folder.Path);
        Assert.Equal(5, checkpoint.Entries.Count);
        Assert.Equal(12, checkpoint.Bytes("t3").Length);
    }

    [Fact]
    public void Write_TensorLargerThanAShard_GetsItsOwn()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(6, SafetensorsShards.Write(folder.Path, Five(), 1).Count);
        using var checkpoint = SafetensorsCheckpoint.Open(folder.Path);
        Assert.Equal(5, checkpoint.Files.Count);
    }

    [Fact]
    public void Write_DuplicateAcrossShards_IsRefusedBeforeAnythingIsWritten()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<SafetensorsException>(() => SafetensorsShards.Write(folder.Path, [.. Five(), .. Five()], 24));
        Assert.Empty(folder.Names);
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("model-00001-of-00009.safetensors")]
    [InlineData(Index)]
    public void Write_FolderWithCheckpoint_IsRefused(string existing)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File(existing), "");
        Assert.Throws<SafetensorsException>(() => SafetensorsShards.Write(folder.Path, Five(), 24));
        Assert.Equal([existing], folder.Names);
    }

    [Fact]
    public void Open_MissingShard_NamesIt()
    {
        using var folder = Sharded();
        File.Delete(folder.File(s_threeShards[1]));
        Assert.Contains($"the shard '{s_threeShards[1]}' is missing", Refused(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_TensorListedButAbsent_NamesShardAndTensor()
    {
        using var folder = Sharded();
        SafetensorsWriter.WriteFile(folder.File(s_threeShards[1]), Five().Skip(2).Take(1));
        var message = Refused(folder);
        Assert.Contains("tensor 't3'", message, StringComparison.Ordinal);
        Assert.Contains(s_threeShards[1], message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_TensorInTwoShards_NamesBoth()
    {
        using var folder = Sharded();
        SafetensorsWriter.WriteFile(folder.File(s_threeShards[2]), [Five()[0], Five()[4]]);
        var message = Refused(folder);
        Assert.Contains("tensor 't0'", message, StringComparison.Ordinal);
        Assert.Contains(s_threeShards[0], message, StringComparison.Ordinal);
        Assert.Contains(s_threeShards[2], message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_DamagedShard_IsRefusedByItsOwnName()
    {
        using var folder = Sharded();
        File.WriteAllText(folder.File(s_threeShards[2]), "damaged, all of it");
        Assert.Contains(s_threeShards[2], Refused(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_UnlistedTensor_IsLeftOut()
    {
        using var folder = Sharded();
        var extra = SafetensorsSource.FromArray("extra", [1], new[] { 1 });
        SafetensorsWriter.WriteFile(folder.File(s_threeShards[2]), [Five()[4], extra]);
        using var checkpoint = SafetensorsCheckpoint.Open(folder.Path);
        Assert.False(checkpoint.TryGet("extra", out _));
        Assert.Equal(5, checkpoint.Entries.Count);
    }

    [Fact]
    public void Open_FolderWithOneFileOfAnyName_OpensIt()
    {
        using var folder = new TemporaryFolder();
        SafetensorsWriter.WriteFile(folder.File("mine.safetensors"), Five());
        using (var checkpoint = SafetensorsCheckpoint.Open(folder.Path)) Assert.Equal(5, checkpoint.Entries.Count);

        SafetensorsWriter.WriteFile(folder.File("yours.safetensors"), Five());
        Assert.Contains("holds 2 files", Refused(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_EmptyFolder_SaysWhatWasExpected()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("expected model.safetensors", Refused(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NothingThere_ThrowsFileNotFound()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<FileNotFoundException>(() => SafetensorsCheckpoint.Open(folder.File("none.safetensors")));
        Assert.Throws<FileNotFoundException>(() => SafetensorsCheckpoint.Open(folder.File("none" + SafetensorsIndex.Suffix)));
    }

    [Fact]
    public void Open_ShardBehindSymbolicLink_IsFollowed()
    {
        using var folder = Sharded();
        File.Move(folder.File(s_threeShards[0]), folder.File("blob"));
        File.CreateSymbolicLink(folder.File(s_threeShards[0]), "blob");
        using var checkpoint = SafetensorsCheckpoint.Open(folder.Path);
        Assert.Equal([0, 1, 2], checkpoint.ToArray<int>("t0"));
    }

    private static SafetensorsSource[] Five() =>
        [.. Enumerable.Range(0, 5).Select(i => SafetensorsSource.FromArray($"t{i}", [3], new[] { i, i + 1, i + 2 }))];

    private static TemporaryFolder Sharded()
    {
        var folder = new TemporaryFolder();
        SafetensorsShards.Write(folder.Path, Five(), 24);
        return folder;
    }

    private static string Refused(TemporaryFolder folder) =>
        Assert.Throws<SafetensorsException>(() => SafetensorsCheckpoint.Open(folder.Path)).Message;
}
