using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Cuda;
using GenoSeq.Models.Kernels.Reference;
using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Training.Benchmarks;

/// <summary>One direction of a <see cref="ScanProblem"/> through the CPU's kernels, or in double precision through the reference.</summary>
/// <typeparam name="T">float or double; the problem's tensors are of that type and on the CPU.</typeparam>
internal sealed unsafe class ScanOnCpu<T>
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
{
    private readonly ScanDirection _x;
    private readonly Tensor _g;
    private readonly int[] _size;
    private readonly Tensor _a;
    private readonly Tensor _skip;
    private readonly Tensor _bias;
    private readonly Tensor _checkpoints;

    internal ScanOnCpu(ScanDirection x, Tensor g)
    {
        (_x, _g) = (x, g);
        _size = [.. x.U.shape.Select(s => (int)s)];
        ScalarType type = x.U.dtype;
        (_a, _skip, _bias) = (x.A.to(type), x.Skip!.to(type), x.DtBias!.to(type));
        Y = empty_like(x.U);
        (DU, DDelta, DB, DC) = (empty_like(x.U), empty_like(x.U), empty(x.B.shape, type), empty(x.C.shape, type));
        (DA, DSkip, DBias) = (empty_like(_a), empty_like(_skip), empty_like(_bias));
        _checkpoints = empty([SelectiveScan.CheckpointSize(_size[0], _size[1], _size[2], ScanProblem.States)], type);
    }

    internal Tensor Y { get; }

    internal Tensor DU { get; }

    internal Tensor DDelta { get; }

    internal Tensor DB { get; }

    internal Tensor DC { get; }

    internal Tensor DA { get; }

    internal Tensor DSkip { get; }

    internal Tensor DBias { get; }

    private SelectiveScanInputs<T> Inputs => new()
    {
        Batch = _size[0],
        Length = _size[1],
        Channels = _size[2],
        States = ScanProblem.States,
        U = Rows(_x.U),
        Delta = Rows(_x.Delta),
        A = (T*)_a.data_ptr(),
        B = Rows(_x.B),
        C = Rows(_x.C),
        D = (T*)_skip.data_ptr(),
        DeltaBias = (T*)_bias.data_ptr(),
        DeltaSoftplus = true,
        Reverse = _x.Reverse,
    };

    internal void Forward(bool checkpoints)
    {
        var outputs = new SelectiveScanOutputs<T> { Out = Rows(Y), Checkpoints = checkpoints ? (T*)_checkpoints.data_ptr() : null };
        if (Inputs is SelectiveScanInputs<float> single && outputs is SelectiveScanOutputs<float> where)
        {
            SelectiveScan.Forward(single, where);
        }
        else
        {
            SelectiveScanReference.Forward(Inputs, outputs);
        }
    }

    internal void Backward()
    {
        var gradients = new SelectiveScanGradients<T>
        {
            DOut = Rows(_g),
            Checkpoints = typeof(T) == typeof(float) ? (T*)_checkpoints.data_ptr() : null,
            DU = Rows(DU),
            DDelta = Rows(DDelta),
            DB = Rows(DB),
            DC = Rows(DC),
            DA = (T*)DA.data_ptr(),
            DD = (T*)DSkip.data_ptr(),
            DDeltaBias = (T*)DBias.data_ptr(),
        };
        if (Inputs is SelectiveScanInputs<float> single && gradients is SelectiveScanGradients<float> where)
        {
            SelectiveScan.Backward(single, where);
        }
        else
        {
            SelectiveScanReference.Backward(Inputs, gradients);
        }
    }

    private static Rows<T> Rows(Tensor t) => new((T*)t.data_ptr(), t.stride(1), t.stride(0));
}
