// Trains a fresh Caduceus-PS for a few steps and prints what that took, for tests that need a process of their own:
// GenoSeq.Models.Probe D_MODEL N_LAYER LENGTH BATCH STEPS [recompute]
// Or works on a folder of compiled kernels: GenoSeq.Models.Probe kernel-cache FOLDER
using System.Diagnostics;
using System.Globalization;
using GenoSeq.Models;
using GenoSeq.Models.Losses;
using GenoSeq.Models.Probe;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

if (args is ["kernel-cache", string folder])
{
    return CacheProbe.Run(folder);
}

int[] n = [.. args.Take(5).Select(a => int.Parse(a, CultureInfo.InvariantCulture))];
(int dModel, int nLayer, int length, int batch, int steps) = (n[0], n[1], n[2], n[3], n[4]);
manual_seed(1);
using SequenceModel model = ModelFile.Create(new ModelConfig
{
    DModel = dModel,
    NLayer = nLayer,
    Bidirectional = true,
    RcEquivariant = true,
});
model.Recompute = args.Contains("recompute");
using var optimizer = new optim.AdamW([new optim.ParamGroup([.. model.named_parameters()], 0.1)], 1e-3);
long start = Environment.TickCount64;
double best = double.MaxValue;
double loss = 0;
for (int step = 0; step < steps; step++)
{
    var parts = new List<string>();
    var watch = Stopwatch.StartNew();
    double last = 0;
    void Lap(string name)
    {
        double now = watch.Elapsed.TotalMilliseconds;
        parts.Add(string.Create(CultureInfo.InvariantCulture, $"{name} {now - last:f0} ms"));
        last = now;
    }

    using DisposeScope scope = NewDisposeScope();
    Tensor ids = randint(7, 11, [batch, length], int32);
    Tensor logits = model.forward(ids);
    Lap("forward");
    LossTotals totals = SequenceLoss.Compute(logits, ids);
    Tensor mean = totals.Sum / totals.WeightSum;
    Lap("loss");
    mean.backward();
    Lap("backward");
    optimizer.step();
    model.zero_grad();
    Lap("optimizer");
    loss = mean.item();
    best = Math.Min(best, watch.Elapsed.TotalSeconds);
    Console.Error.WriteLine($"step {step}: {string.Join(", ", parts)}");
}

string peak = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal));
long kib = long.Parse(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"peak_mib {kib / 1024.0:f0}"));
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"tokens_per_second {batch * length / best:f0}"));
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"best_step_seconds {best:f3}"));
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"loss {loss:g9}"));
return 0;
