namespace GenoSeq.Torch.Tests.Dist;

public sealed class DistributedEnvironmentTests
{
    [Fact]
    public void Read_AllVariables_AreTaken()
    {
        DistributedEnvironment e = Read("RANK=3 WORLD_SIZE=8 LOCAL_RANK=1 MASTER_ADDR=node7 MASTER_PORT=29500")!;
        Assert.Equal((3, 8, 1, "node7", 29500), (e.Rank, e.WorldSize, e.LocalRank, e.MasterAddr, e.MasterPort));
        Assert.False(e.IsLoopback);
    }

    [Fact]
    public void Read_NothingSet_IsAnOrdinaryProcess() => Assert.Null(Read("MASTER_ADDR=node7 LOCAL_RANK=2"));

    [Fact]
    public void Read_OneProcess_NeedsNoAddress()
    {
        DistributedEnvironment e = Read("RANK=0 WORLD_SIZE=1")!;
        Assert.Equal(("127.0.0.1", 0, 0), (e.MasterAddr, e.MasterPort, e.LocalRank));
        Assert.True(e.IsLoopback);
    }

    [Fact]
    public void Read_LocalRankMissing_IsTheRank() =>
        Assert.Equal(2, Read("RANK=2 WORLD_SIZE=4 MASTER_ADDR=localhost MASTER_PORT=1234")!.LocalRank);

    [Theory]
    [InlineData("RANK=0 WORLD_SIZE=two MASTER_PORT=x", "WORLD_SIZE is 'two'", "MASTER_PORT is 'x'")]
    [InlineData("WORLD_SIZE=2", "RANK is not set", "MASTER_PORT is not set")]
    [InlineData("WORLD_SIZE=2", "RANK is not set", "MASTER_ADDR is not set")]
    [InlineData("RANK=-1 WORLD_SIZE=2 MASTER_PORT=5", "RANK is '-1'", "RANK is '-1'")]
    [InlineData("RANK=2 WORLD_SIZE=2 MASTER_PORT=99999", "RANK is 2, expected 0 to 1", "MASTER_PORT is 99999")]
    [InlineData("RANK=0 WORLD_SIZE=2 MASTER_PORT=0", "MASTER_ADDR is not set", "MASTER_PORT is 0")]
    public void Read_SeveralProblems_ListsThemAll(string variables, string first, string second)
    {
        var e = Assert.Throws<DistributedEnvironmentException>(() => Read(variables));
        Assert.Contains(first, e.Message, StringComparison.Ordinal);
        Assert.Contains(second, e.Message, StringComparison.Ordinal);
    }

    private static DistributedEnvironment? Read(string variables)
    {
        var table = variables.Split(' ').Select(v => v.Split('=')).ToDictionary(v => v[0], v => v[1]);
        return DistributedEnvironment.Read(table.GetValueOrDefault);
    }
}
