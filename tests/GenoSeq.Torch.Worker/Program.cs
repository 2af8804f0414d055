using System.Diagnostics;
using System.Globalization;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;
using static GenoSeq.Torch.torch.distributed;

// One rank of a process group, for the tests that need real processes. RANK and the others say who it is.
//   GenoSeq.Torch.Worker exercise gloo|nccl [seconds]     every collective, checked; prints "ok"
//   GenoSeq.Torch.Worker die      gloo|nccl [seconds]     rank 1 kills itself; the others print the error and end with 3
string mode = args[0];
var timeout = TimeSpan.FromSeconds(args.Length > 2 ? double.Parse(args[2], CultureInfo.InvariantCulture) : 60);
using DisposeScope scope = NewDisposeScope();
try
{
    using ProcessGroup group = init_process_group(args[1], timeout);
    group.barrier();
    if (mode == "die")
    {
        if (group.Rank == 1)
        {
            Process.GetCurrentProcess().Kill();
        }

        for (int k = 0; ; k++)
        {
            Tensor t = ones([1000], float32, group.Device);
            group.all_reduce(t);
            t.select(0, 0).ToDouble();
            Thread.Sleep(50);
        }
    }

    Exercise(group);
    group.barrier();
    Console.WriteLine($"rank {group.Rank} of {group.Size}: ok");
    return 0;
}
catch (DistributedException e)
{
    Console.WriteLine(e.Message);
    return 3;
}

static void Exercise(ProcessGroup g)
{
    foreach (ScalarType type in new[] { float32, float64, float16, bfloat16, int64, int32 })
    {
        Tensor sum = full([7, 3], g.Rank + 1, type, g.Device);
        g.all_reduce(sum);
        Expect("all_reduce", sum, g.Size * (g.Size + 1) / 2);

        Tensor copy = full([5], g.Rank, type, g.Device);
        g.broadcast(copy, g.Size - 1);
        Expect("broadcast", copy, g.Size - 1);

        Tensor into = zeros([2 * g.Size], type, g.Device);
        g.all_gather_into_tensor(into, full([2], g.Rank, type, g.Device));
        Tensor[] list = Enumerable.Range(0, g.Size).Select(_ => zeros([2], type, g.Device)).ToArray();
        g.all_gather(list, full([2], g.Rank, type, g.Device));
        for (int r = 0; r < g.Size; r++)
        {
            Expect("all_gather_into_tensor", into.narrow(0, 2 * r, 2), r);
            Expect("all_gather", list[r], r);
        }

        Tensor part = zeros([3], type, g.Device);
        g.reduce_scatter_tensor(part, cat(list.Select((_, r) => full([3], r + 1, type, g.Device)).ToArray()));
        Expect("reduce_scatter_tensor", part, (g.Rank + 1) * g.Size);
    }

    Tensor mean = full([4], g.Rank, float32, g.Device);
    Work work = g.all_reduce(mean, ReduceOp.AVG, async_op: true);
    work.Wait();
    Expect("mean", mean, (g.Size - 1) / 2.0);
}

static void Expect(string what, Tensor t, double value)
{
    double[] found = t.to(float64).ToArray<double>();
    if (Array.Exists(found, v => Math.Abs(v - value) > 1e-6))
    {
        throw new InvalidOperationException($"{what} of {t}: {string.Join(", ", found)}, expected {value}");
    }
}
