namespace GenoSeq.Torch.Tests.Dist;

/// <summary>What launchers with variables of their own say.</summary>
public sealed class LauncherEnvironmentTests
{
    private const string Step = "SLURM_JOB_ID=4711 SLURM_STEP_ID=0 SLURM_PROCID=5 SLURM_LOCALID=1 SLURM_NTASKS=8";

    [Theory]
    [InlineData("gpu7", "gpu7")]
    [InlineData("gpu[01-03,07],node5", "gpu01 gpu02 gpu03 gpu07 node5")]
    [InlineData("a,b[9-11]", "a b9 b10 b11")]
    [InlineData("r[1-2]n[8-9]-ib", "r1n8-ib r1n9-ib r2n8-ib r2n9-ib")]
    [InlineData("tux[098-101]", "tux098 tux099 tux100 tux101")]
    public void NodeList_IsExpandedInOrder(string list, string hosts) => Assert.Equal(hosts.Split(' '), NodeList.Expand(list));

    [Theory]
    [InlineData("", "empty name")]
    [InlineData("gpu[1-3", "not closed")]
    [InlineData("gpu1-3]", "do not match")]
    [InlineData("gpu[3-1]", "'3-1'")]
    [InlineData("gpu[1-2-3]", "'1-2-3'")]
    [InlineData("gpu[a]", "'a'")]
    [InlineData("a,,b", "empty name")]
    [InlineData("n[0-99999999]", "more than")]
    public void NodeList_Wrong_SaysWhat(string list, string what) =>
        Assert.Contains(what, Assert.Throws<FormatException>(() => NodeList.Expand(list)).Message, StringComparison.Ordinal);

    [Fact]
    public void Slurm_NodeListAndJob_GiveMasterAndPort()
    {
        DistributedEnvironment e = Read(Step + " SLURM_JOB_NODELIST=gpu[03-04]")!;
        Assert.Equal((5, 8, 1, "gpu03", "SLURM"), (e.Rank, e.WorldSize, e.LocalRank, e.MasterAddr, e.Launcher));
        Assert.InRange(e.MasterPort, 20_000, 31_999);
        Assert.Equal(e.MasterPort, Read(Step.Replace("PROCID=5", "PROCID=0", StringComparison.Ordinal) + " SLURM_JOB_NODELIST=gpu[03-04]")!.MasterPort);
        Assert.NotEqual(e.MasterPort, Read(Step.Replace("4711", "4712", StringComparison.Ordinal) + " SLURM_JOB_NODELIST=gpu[03-04]")!.MasterPort);
    }

    [Fact]
    public void Slurm_AStepOnSomeNodes_MeetsOnItsOwnFirst()
    {
        DistributedEnvironment e = Read(Step + " SLURM_JOB_NODELIST=gpu[03-04] SLURM_STEP_NODELIST=gpu04 SLURM_STEP_NUM_TASKS=6")!;
        Assert.Equal(("gpu04", 6), (e.MasterAddr, e.WorldSize));
        e = Read(Step + " SLURM_JOB_NODELIST=gpu[03-04] SLURM_STEP_NODELIST=gpu04 SLURM_STEP_NUM_NODES=1")!;
        Assert.Equal("127.0.0.1", e.MasterAddr);
        e = Read(Step + " MASTER_ADDR=elsewhere MASTER_PORT=77")!;
        Assert.Equal(("elsewhere", 77), (e.MasterAddr, e.MasterPort));
    }

    [Theory]
    [InlineData("SLURM_JOB_ID=1 SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_JOB_NODELIST=a")] // the batch script itself
    [InlineData("SLURM_JOB_ID=1 SLURM_STEP_ID=4294967290 SLURM_PROCID=0 SLURM_NTASKS=8 SLURM_JOB_NODELIST=a")] // a shell of salloc
    [InlineData("SLURM_JOB_ID=1 SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_JOB_NODELIST=a")] // one task
    [InlineData("JOB_COMPLETION_INDEX=3 HOSTNAME=j-3")] // an indexed job whose pods do not know each other
    [InlineData("OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=1")]
    public void OneProcessInAJob_IsAnOrdinaryProcess(string variables) => Assert.Null(Read(variables));

    [Fact]
    public void OpenMpi_OneHost_NeedsNoAddress()
    {
        const string one = "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_LOCAL_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=1 PMIX_NAMESPACE=prterun-h-9@1";
        DistributedEnvironment e = Read(one)!;
        Assert.Equal((1, 2, 1, "127.0.0.1", "Open MPI"), (e.Rank, e.WorldSize, e.LocalRank, e.MasterAddr, e.Launcher));
        Assert.InRange(e.MasterPort, 20_000, 31_999);
        // Inside a job of SLURM its own variables are those of the batch script.
        Assert.Equal(e, Read(one + " SLURM_PROCID=0 SLURM_STEP_ID=0 SLURM_NTASKS=4 SLURM_JOB_NODELIST=x"));
    }

    [Fact]
    public void OpenMpi_SeveralHosts_AsksForTheAddress()
    {
        const string two = "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_SIZE=2 OMPI_COMM_WORLD_LOCAL_RANK=1";
        string message = Assert.Throws<DistributedEnvironmentException>(() => Read(two)).Message;
        Assert.Contains("what Open MPI says", message, StringComparison.Ordinal);
        Assert.Contains("MASTER_ADDR is not set", message, StringComparison.Ordinal);
        Assert.Contains("MASTER_PORT is not set", message, StringComparison.Ordinal);
        Assert.Equal("h0", Read(two + " MASTER_ADDR=h0 MASTER_PORT=9999")!.MasterAddr);
    }

    [Fact]
    public void Kubernetes_IndexedJob_FindsPodZero()
    {
        DistributedEnvironment e = Read("JOB_COMPLETION_INDEX=2 JOB_COMPLETIONS=4 HOSTNAME=dna-run-2")!;
        Assert.Equal((2, 4, 0, "dna-run-0.dna-run", 29500), (e.Rank, e.WorldSize, e.LocalRank, e.MasterAddr, e.MasterPort));
        e = Read("JOB_COMPLETION_INDEX=2 JOB_COMPLETIONS=4 JOB_NAME=j JOB_SERVICE=ranks.ns.svc MASTER_PORT=1234")!;
        Assert.Equal(("j-0.ranks.ns.svc", 1234), (e.MasterAddr, e.MasterPort));
    }

    [Theory]
    [InlineData("SLURM_STEP_ID=0 SLURM_PROCID=x SLURM_JOB_NODELIST=a[", "SLURM_PROCID is 'x'", "SLURM_NTASKS is not set", "not closed", "MASTER_PORT is not set")]
    [InlineData("SLURM_STEP_ID=0 SLURM_JOB_ID=9 SLURM_PROCID=0 SLURM_NTASKS=2 SLURM_LOCALID=y", "SLURM_LOCALID is 'y'", "SLURM_JOB_NODELIST is not set")]
    [InlineData("OMPI_COMM_WORLD_SIZE=z", "OMPI_COMM_WORLD_RANK is not set", "OMPI_COMM_WORLD_SIZE is 'z'", "MASTER_ADDR is not set")]
    [InlineData("JOB_COMPLETION_INDEX=q JOB_COMPLETIONS=four", "JOB_COMPLETION_INDEX is 'q'", "JOB_COMPLETIONS is 'four'", "MASTER_ADDR is not set")]
    public void SeveralProblems_AreListedInTheLaunchersNames(string variables, params string[] expected)
    {
        string message = Assert.Throws<DistributedEnvironmentException>(() => Read(variables)).Message;
        Assert.All(expected, e => Assert.Contains(e, message, StringComparison.Ordinal));
        Assert.Contains("\n  try: ", message, StringComparison.Ordinal);
    }

    private static DistributedEnvironment? Read(string variables)
    {
        var table = variables.Split(' ').Select(v => v.Split('=')).ToDictionary(v => v[0], v => v[1]);
        return DistributedEnvironment.Read(table.GetValueOrDefault);
    }
}
