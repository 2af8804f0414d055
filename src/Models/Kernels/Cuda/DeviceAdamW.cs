using System.Runtime.InteropServices;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>
/// The step of <see cref="optim.AdamW"/> in kernels (adamw.cu): clipping by the norm of all gradients, decay and update of all
/// parameters in three launches, without waiting for the device. Parameters, gradients and moments are the optimizer's, f32 and
/// contiguous. What changes from step to step lies in device memory, so that captured launches stay valid.
/// </summary>
public sealed class DeviceAdamW : IDisposable
{
    /// <summary>Elements of a block's part of a parameter (A_CHUNK).</summary>
    private const int Chunk = 16384;

    private const int RowWords = 9;
    private const int HyperCount = 9;
    private static readonly KernelProgram s_program = new(["common.cu", "adamw.cu"]);

    private readonly KernelDevice _device;
    private readonly (string Name, nn.Parameter Value, Tensor M, Tensor V, optim.ParamGroup Group)[] _parameters;
    private readonly Dictionary<string, Tensor> _copies = [];
    private readonly long[] _rows;
    private readonly Tensor _table;
    private readonly Tensor _chunks;
    private readonly Tensor _hyper;
    private readonly Tensor _part;
    private readonly Tensor _norm;
    private bool _uploaded;

    private DeviceAdamW(KernelDevice device, optim.AdamW optimizer, bool copies)
    {
        using DisposeScope scope = NewDisposeScope();
        _device = device;
        Dictionary<string, (Tensor M, Tensor V)> state = optimizer.State.ToDictionary(s => s.Name, s => (s.ExpAvg, s.ExpAvgSq));
        _parameters = [.. optimizer.Groups.SelectMany(g => g.Parameters.Select(p =>
            (p.Name, p.Value, state[p.Name].M, state[p.Name].V, g)))];
        _rows = new long[_parameters.Length * RowWords];
        Device place = _parameters[0].Value.device;
        var chunks = new List<int>();
        for (int i = 0; i < _parameters.Length; i++)
        {
            (string name, nn.Parameter p, _, _, _) = _parameters[i];
            for (long at = 0; at < p.numel(); at += Chunk) chunks.AddRange([i, (int)(at / Chunk)]);
            if (copies) _copies.Add(name, p.detach().to(bfloat16).DetachFromDisposeScope());
        }

        _chunks = tensor<int>(CollectionsMarshal.AsSpan(chunks), [chunks.Count / 2, 2], place).DetachFromDisposeScope();
        _table = empty([_parameters.Length, RowWords], int64, place).DetachFromDisposeScope();
        _hyper = empty([HyperCount], float64, place).DetachFromDisposeScope();
        _part = empty([chunks.Count / 2], float64, place).DetachFromDisposeScope();
        _norm = empty([2], float64, place).DetachFromDisposeScope();
    }

    /// <summary>bfloat16 copies of the parameters by name, up to date after every step; empty if none were asked for.</summary>
    public IReadOnlyDictionary<string, Tensor> Copies => _copies;

    /// <summary>Lets an optimizer step in kernels, if there are kernels for where its parameters are.</summary>
    /// <param name="optimizer">The optimizer; its <see cref="optim.AdamW.DeviceStep"/> is set.</param>
    /// <param name="copies">Keep bfloat16 copies of the parameters.</param>
    /// <returns>What to dispose of when the optimizer is; null where there are no kernels.</returns>
    public static DeviceAdamW? Attach(optim.AdamW optimizer, bool copies = false)
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        nn.Parameter? first = optimizer.Groups.SelectMany(g => g.Parameters).Select(p => p.Value).FirstOrDefault();
        if (first is null || KernelDevices.Of(first) is not { } device) return null;
        var steps = new DeviceAdamW(device, optimizer, copies);
        optimizer.DeviceStep = steps.Step;
        return steps;
    }

    /// <summary>Takes a step.</summary>
    /// <param name="step">What it goes by.</param>
    /// <returns>f64 [2] on the device: the norm of the scaled gradients, and 1 if it is finite, else 0.</returns>
    public Tensor Step(optim.AdamWStep step)
    {
        Prepare(step);
        return Launch(step.ClipNorm is not null).clone();
    }

    /// <summary>Writes what a step goes by to the device: also before each replay of captured launches.</summary>
    /// <param name="step">What it goes by.</param>
    /// <exception cref="ArgumentException">A parameter or gradient is not f32 and contiguous, or not where it was.</exception>
    public void Prepare(optim.AdamWStep step)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        bool changed = !_uploaded;
        for (int i = 0; i < _parameters.Length; i++)
        {
            (string name, nn.Parameter p, Tensor m, Tensor v, optim.ParamGroup group) = _parameters[i];
            Tensor? g = group.Frozen ? null : p.grad;
            ReadOnlySpan<long> row =
            [
                Address(p, name), g is null ? 0 : Address(g, name), Address(m, name), Address(v, name),
                _copies.TryGetValue(name, out Tensor? copy) ? copy.data_ptr() : 0, p.numel(),
                BitConverter.DoubleToInt64Bits(group.WeightDecay), BitConverter.DoubleToInt64Bits(group.RateScale), group.StepsBefore,
            ];
            Span<long> known = _rows.AsSpan(i * RowWords, RowWords);
            changed |= !row.SequenceEqual(known);
            row.CopyTo(known);
        }

        if (changed)
        {
            _table.copy_(staged<long>(_rows, [_parameters.Length, RowWords], _table.device), non_blocking: true);
            _uploaded = true;
        }

        _hyper.copy_(staged<double>(
        [
            step.LearningRate, step.Beta1, step.Beta2, step.Eps, 1 - Math.Pow(step.Beta1, step.StepCount),
            1 - Math.Pow(step.Beta2, step.StepCount), step.ClipNorm ?? 0, step.GradScale, step.StepCount,
        ], [HyperCount], _hyper.device), non_blocking: true);
    }

    /// <summary>The launches alone, with what <see cref="Prepare"/> wrote; these may be captured.</summary>
    /// <param name="norms">Take the norm, and clip and check by it.</param>
    /// <returns>f64 [2], overwritten by the next step: the norm, and 1 if it is finite, else 0.</returns>
    public Tensor Launch(bool norms)
    {
        int count = (int)_chunks.size(0);
        var a = new Arguments
        {
            Parameters = _table.data_ptr(),
            Chunks = _chunks.data_ptr(),
            Hyper = _hyper.data_ptr(),
            Part = _part.data_ptr(),
            Norm = _norm.data_ptr(),
            Count = count,
            Norms = norms ? 1 : 0,
        };
        if (norms)
        {
            _device.Launch(_device.Function(s_program, "gs_adam_norm", 256), (count, 1, 1), a);
            _device.Launch(_device.Function(s_program, "gs_adam_norm_sum", 256), (1, 1, 1), a);
        }

        _device.Launch(_device.Function(s_program, "gs_adam_step", 256), (count, 1, 1), a);
        foreach ((_, nn.Parameter p, _, _, _) in _parameters) p.bump_version();
        return _norm;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor t in (Tensor[])[_table, _chunks, _hyper, _part, _norm, .. _copies.Values]) t.Dispose();
    }

    private nint Address(Tensor t, string name) => t.dtype == float32 && t.is_contiguous() && t.device == _table.device
        ? t.data_ptr()
        : throw new ArgumentException($"the step takes contiguous f32 tensors on {_table.device}; {name} has {t.Describe()}");

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint Parameters, Chunks, Hyper, Part, Norm;
        public int Count, Norms;
    }
}
