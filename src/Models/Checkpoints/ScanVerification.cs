using GenoSeq.Models.Kernels;
using GenoSeq.Models.Mixers;
using GenoSeq.Torch;
using GenoSeq.Torch.Safetensors;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models;

/// <summary>
/// Runs the selective scan on recorded inputs of another implementation, through every path this machine has: <c>u</c>,
/// <c>delta</c>, <c>z</c> [batch, d, length], <c>A</c> [d, n], <c>B</c>, <c>C</c> [batch, n, length], <c>D</c>, <c>delta_bias</c> [d]
/// to <c>out</c> and <c>last_state</c>, and <c>grad_out</c> to <c>grad.NAME</c>. Softplus is on, as in the reference.
/// </summary>
public static class ScanVerification
{
    private static readonly string[] s_inputs = ["u", "delta", "A", "B", "C", "D", "z", "delta_bias"];

    /// <summary>True when a file records a scan and not a model.</summary>
    public static bool Recognizes(SafetensorsCheckpoint reference)
    {
        ArgumentNullException.ThrowIfNull(reference);
        return Array.TrueForAll(["u", "delta", "A", "B", "C", "out"], n => reference.TryGet(n, out _));
    }

    /// <summary>Compares through every path; rows are named <c>path: quantity</c>.</summary>
    /// <param name="reference">The recorded file.</param>
    /// <param name="tolerance">Of out and last_state; ten times for each gradient's relative norm.</param>
    /// <param name="device">A device whose kernels are a path too, <c>cuda</c>; null for the CPU's alone.</param>
    public static IReadOnlyList<VerificationRow> Run(SafetensorsCheckpoint reference, double tolerance, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(reference);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        var rows = new List<VerificationRow>();
        Dictionary<string, Tensor> recorded = s_inputs.Append("grad_out").Where(n => reference.TryGet(n, out _))
            .ToDictionary(n => n, n => ChannelLast(n, TensorFiles.Read(reference, n)));
        foreach (KernelPath path in Enum.GetValues<KernelPath>().Where(KernelDispatch.IsSupported))
        {
            using (KernelDispatch.Use(path))
            {
                Compare(rows, $"{path}", Compute(recorded), reference, tolerance);
            }
        }

        if (device is { } where)
        {
            Compare(rows, "cuda", DeviceScanVerification.Compute(recorded, where, reference.Path), reference, tolerance);
        }

        return rows;
    }

    private static void Compare(List<VerificationRow> rows, string path, List<(string Name, Tensor Value)> ours,
        SafetensorsCheckpoint reference, double tolerance)
    {
        foreach ((string name, Tensor value) in ours.Where(o => reference.TryGet(o.Name, out _)))
        {
            bool gradient = name.StartsWith("grad.", StringComparison.Ordinal);
            Tensor theirs = ChannelLast(name, TensorFiles.Read(reference, name));
            rows.Add(Verification.Row($"{path}: {name}", value, theirs, gradient ? tolerance * Verification.GradientMultiple : tolerance, gradient));
        }
    }

    private static unsafe List<(string Name, Tensor Value)> Compute(Dictionary<string, Tensor> x)
    {
        Tensor u = x["u"];
        (int batch, int length, int d, int n) = ((int)u.size(0), (int)u.size(1), (int)u.size(2), (int)x["A"].size(1));
        var inputs = new SelectiveScanInputs<float>
        {
            Batch = batch,
            Length = length,
            Channels = d,
            States = n,
            U = TensorRows.Of(u),
            Delta = TensorRows.Of(x["delta"]),
            A = TensorRows.Dense(x["A"]),
            B = TensorRows.Of(x["B"]),
            C = TensorRows.Of(x["C"]),
            D = TensorRows.Dense(x.GetValueOrDefault("D")),
            Z = x.TryGetValue("z", out Tensor? z) ? TensorRows.Of(z) : default,
            DeltaBias = TensorRows.Dense(x.GetValueOrDefault("delta_bias")),
            DeltaSoftplus = true,
        };
        Tensor y = empty_like(u);
        Tensor state = empty([batch, d, n]);
        SelectiveScan.Forward(inputs, new SelectiveScanOutputs<float> { Out = TensorRows.Of(y), FinalState = TensorRows.Dense(state) });
        var results = new List<(string, Tensor)> { ("out", y), ("last_state", state) };
        if (x.TryGetValue("grad_out", out Tensor? dout))
        {
            Dictionary<string, Tensor> g = s_inputs.Where(x.ContainsKey).ToDictionary(k => k, k => empty_like(x[k]));
            SelectiveScan.Backward(inputs, new SelectiveScanGradients<float>
            {
                DOut = TensorRows.Of(dout),
                DU = TensorRows.Of(g["u"]),
                DDelta = TensorRows.Of(g["delta"]),
                DZ = g.TryGetValue("z", out Tensor? dz) ? TensorRows.Of(dz) : default,
                DB = TensorRows.Of(g["B"]),
                DC = TensorRows.Of(g["C"]),
                DA = TensorRows.Dense(g["A"]),
                DD = TensorRows.Dense(g.GetValueOrDefault("D")),
                DDeltaBias = TensorRows.Dense(g.GetValueOrDefault("delta_bias")),
            });
            results.AddRange(g.Select(p => ($"grad.{p.Key}", p.Value)));
        }

        return results;
    }

    // The recording has time last; our kernels have channels last. States and parameters are laid out alike.
    private static Tensor ChannelLast(string name, Tensor t) =>
        t.dim() == 3 && name != "last_state" ? t.transpose(1, 2).contiguous() : t;
}
