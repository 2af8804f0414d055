using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>Embedding, head with loss, optimizer, and the Transformer's kernels on a device with CUDA kernels.</summary>
internal static class EndCases
{
    private const int Vocab = 16;
    private const double TargetShare = 0.15;
    private const int HeadWidth = 64;
    private const int Parameters = 25_000_000;

    internal static IEnumerable<KernelCase> Embedding(KernelDevice kernels, BenchShape shape, ScalarType type, Device device)
    {
        double bytes = ((double)shape.Elements * type.ElementSize()) + (4.0 * shape.Rows);
        Tensor ids = randint(0, Vocab, [shape.Batch, shape.Length], int32, device);
        Tensor weight = randn([Vocab, shape.Channels], float32, device);
        yield return new KernelCase("embedding", "forward", shape.ToString(), () => EmbeddingKernels.Forward(kernels, ids, weight, null, type))
        {
            Elements = shape.Rows,
            Unit = "tokens",
            Bytes = bytes,
        };
        Tensor dx = randn([shape.Batch, shape.Length, shape.Channels], type, device);
        yield return new KernelCase("embedding", "backward", shape.ToString(), () => EmbeddingKernels.Backward(kernels, ids, Vocab, null, dx))
        {
            Elements = shape.Rows,
            Unit = "tokens",
            Bytes = bytes,
        };
    }

    /// <summary>One strand, the share of targets that masked modelling has; the gradients come with the loss.</summary>
    internal static IEnumerable<KernelCase> Head(KernelDevice kernels, BenchShape shape, ScalarType type, Device device)
    {
        double rows = (double)shape.Elements * type.ElementSize();
        Tensor hidden = randn([shape.Rows, shape.Channels], type, device);
        Tensor weight = randn([Vocab, shape.Channels], float32, device);
        Tensor drawn = randint(0, Vocab, [shape.Rows], int32, device);
        Tensor targets = drawn.masked_fill(rand([shape.Rows], float32, device).gt(TargetShare), -1);
        yield return Case("forward", false, rows * TargetShare);
        yield return Case("forward+backward", true, rows * (1 + TargetShare));

        KernelCase Case(string pass, bool gradients, double bytes) => new("head", pass, shape.ToString(),
            () => HeadLossKernels.ForwardBackward(kernels, hidden, null, shape.Batch, shape.Length, weight, targets, null, 1.0 / shape.Rows, gradients))
        {
            Elements = shape.Rows,
            Unit = "tokens",
            Bytes = bytes + (4.0 * shape.Rows),
        };
    }

    /// <summary>Clipping and AdamW over matrices that are together as large as a small model.</summary>
    internal static IEnumerable<KernelCase> AdamW(bool quick, Device device)
    {
        const int Matrices = 16;
        long each = (quick ? Parameters / 1000 : Parameters) / Matrices;
        List<(string, nn.Parameter)> parameters = [];
        for (int i = 0; i < Matrices; i++)
        {
            var p = new nn.Parameter(randn([each], float32, device));
            p.grad = randn([each], float32, device);
            parameters.Add(($"p{i}", p));
        }

        using var optimizer = new optim.AdamW([new optim.ParamGroup(parameters, 0.1)], 1e-3);
        using DeviceAdamW? steps = DeviceAdamW.Attach(optimizer);
        yield return new KernelCase("adamw", "clip and step", FormattableString.Invariant($"{Matrices} x {each}"), () => optimizer.step_clipped(1))
        {
            Elements = Matrices * each,
            Unit = "parameters",
            // Gradients for the norm; gradients, weights and moments; weights and moments back.
            Bytes = 4.0 * 8 * Matrices * each,
        };
    }

    internal static IEnumerable<KernelCase> Rope(KernelDevice kernels, BenchShape shape, ScalarType type, Device device)
    {
        long heads = Math.Max(1, shape.Channels / HeadWidth);
        int width = (int)(shape.Channels / heads);
        Tensor Heads() => randn([shape.Batch, shape.Length, heads, width], type, device);
        (Tensor q, Tensor k) = (Heads(), Heads());
        (Tensor qOut, Tensor kOut) = (empty_like(q), empty_like(k));
        Tensor angles = randn([shape.Length, width / 2], float32, device);
        (Tensor cosine, Tensor sine) = (angles.cos(), angles.sin());
        yield return new KernelCase("rope", "forward", shape.ToString(), () => RopeKernels.Run(kernels, q, qOut, k, kOut, cosine, sine, false))
        {
            Elements = 2.0 * shape.Elements,
            Bytes = (4.0 * shape.Elements * type.ElementSize()) + (4.0 * shape.Length * width),
        };
    }

    internal static IEnumerable<KernelCase> SwiGlu(KernelDevice kernels, BenchShape shape, ScalarType type, Device device)
    {
        double rows = (double)shape.Elements * type.ElementSize();
        Tensor packed = randn([shape.Batch, shape.Length, 2 * shape.Channels], type, device);
        Tensor gradient = empty_like(packed);
        Tensor dout = randn([shape.Batch, shape.Length, shape.Channels], type, device);
        Tensor[] halves = packed.chunk(2, -1);
        Tensor[] dHalves = gradient.chunk(2, -1);
        yield return new KernelCase("swiglu", "forward", shape.ToString(), () => SwiGluKernels.Forward(kernels, packed))
        {
            Elements = shape.Elements,
            Bytes = rows * 3,
        };
        yield return new KernelCase("swiglu", "backward", shape.ToString(),
            () => SwiGluKernels.Backward(kernels, halves[0], halves[1], dout, dHalves[0], dHalves[1]))
        {
            Elements = shape.Elements,
            Bytes = rows * 5,
        };
    }
}
