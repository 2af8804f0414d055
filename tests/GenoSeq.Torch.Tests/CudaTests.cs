namespace GenoSeq.Torch.Tests;

/// <summary>Streams and graphs where there is no CUDA, and which libraries are loaded.</summary>
public class CudaTests
{
    [Fact]
    public void Graphs_WithoutCuda_SayWhatIsMissing()
    {
        if (torch.cuda.is_compiled())
        {
            return;
        }

        Assert.Contains("without CUDA", Assert.Throws<MissingLibraryException>(() => new torch.cuda.CUDAGraph()).What, StringComparison.Ordinal);
        Assert.Throws<MissingLibraryException>(() => new torch.cuda.Stream());
        Assert.Throws<MissingLibraryException>(() => torch.cuda.Stream.current());
        Assert.Throws<MissingLibraryException>(() => torch.cuda.graph_pool_handle());
        Assert.Throws<MissingLibraryException>(() => torch.cuda.is_current_stream_capturing());
        Assert.Throws<MissingLibraryException>(() => torch.cuda.mem_get_info());
        Assert.Null(torch.distributed.nccl_version());
    }

    [Trait("Category", "Gpu")]
    [Fact]
    public void Graph_Replayed_ComputesOnNewData()
    {
        var cuda = new Device(DeviceType.CUDA, 0);
        using torch.Tensor x = torch.ones([1000], device: cuda);
        using torch.Tensor y = torch.zeros([1000], device: cuda);
        using var graph = new torch.cuda.CUDAGraph();
        Work();
        torch.cuda.graph(graph, Work);
        using torch.Tensor three = torch.full([1000], 3.0, device: cuda);
        x.copy_(three);
        y.zero_();
        graph.replay();
        torch.cuda.synchronize();
        Assert.Equal(7.0, y.to(Device.CPU).AsSpan<float>()[999]);

        void Work()
        {
            using DisposeScope scope = torch.NewDisposeScope();
            y.copy_((x * 2.0) + 1.0);
        }
    }

    [Fact]
    public void Find_OwnLibrary_IsItsFile()
    {
        Assert.NotEmpty(torch.__version__);
        Assert.True(File.Exists(LoadedLibraries.Find("libgenoseq_torch")));
        Assert.Null(LoadedLibraries.Find("libnothing-of-this-name"));
    }

    [Fact]
    public void Parse_Lines_GiveEachLibraryOnce() => Assert.Equal(["/a b/libx.so.1", "/c/liby-1f.so"], LoadedLibraries.Parse(
    [
        "7f00-7f01 r-xp 00000000 08:01 12   /a b/libx.so.1",
        "7f01-7f02 rw-p 00000000 08:01 12   /a b/libx.so.1",
        "7f02-7f03 rw-p 00000000 00:00 0    [heap]",
        "7f03-7f04 r--s 00000000 08:01 13   /data/genome.fa",
        "7f04-7f05 r-xp 00000000 08:01 14   /c/liby-1f.so",
    ]));
}
