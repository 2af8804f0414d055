using System.Numerics;
using GenoSeq.Models.Kernels;
using GenoSeq.Models.Kernels.Reference;

namespace GenoSeq.Numerics.Tests.Kernels;

/// <summary>Runs one scan problem forward and backward in one precision and collects every result as doubles.</summary>
internal static unsafe class ScanRunner
{
    public const double Prefill = 0.25;

    public static Results Run<T>(ScanCase c, ScanData data, KernelPath path, bool backward = true)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var arena = new Arena<T>(c.Gap);
        var inputs = new SelectiveScanInputs<T>
        {
            Batch = c.Batch,
            Length = c.Length,
            Channels = c.Channels,
            States = c.States,
            U = arena.Rows(data.U, c.Batch, c.Length, c.Channels),
            Delta = arena.Rows(data.Delta, c.Batch, c.Length, c.Channels),
            A = arena.Array(data.A),
            B = arena.Rows(data.B, c.Batch, c.Length, c.States),
            C = arena.Rows(data.C, c.Batch, c.Length, c.States),
            D = arena.Array(data.D),
            Z = arena.Rows(data.Z, c.Batch, c.Length, c.Channels),
            DeltaBias = arena.Array(data.Bias),
            DeltaSoftplus = c.Softplus,
            Reverse = c.Reverse,
            InitialState = arena.Array(data.Initial),
            SequenceIds = arena.Ints(data.Ids),
            SequenceIdsBatchStride = c.Length,
        };
        double[] states = new double[c.Batch * c.Channels * c.States];
        double[] checkpoints = new double[SelectiveScan.CheckpointSize(c.Batch, c.Length, c.Channels, c.States)];
        double[] like = Filled(data.U.Length);
        var outputs = new SelectiveScanOutputs<T>
        {
            Out = arena.Rows(like, c.Batch, c.Length, c.Channels),
            Accumulate = c.AccumulateOut,
            FinalState = arena.Array(states),
            Checkpoints = c.Checkpoints ? arena.Array(checkpoints) : null,
        };
        Forward(inputs, outputs, path);
        var results = new Results();
        results.Put("out", Arena<T>.Read(outputs.Out, c.Batch, c.Length, c.Channels));
        results.Put("final", Arena<T>.Read(outputs.FinalState, states));
        if (backward) Backward(c, data, path, arena, inputs, outputs.Checkpoints, results);
        arena.CheckGaps();
        GC.KeepAlive(arena);
        return results;
    }

    private static void Backward<T>(
        ScanCase c, ScanData data, KernelPath path, Arena<T> arena, in SelectiveScanInputs<T> inputs, T* checkpoints, Results results)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var g = new SelectiveScanGradients<T>
        {
            DOut = arena.Rows(data.DOut, c.Batch, c.Length, c.Channels),
            DFinalState = arena.Array(data.DFinal),
            Checkpoints = checkpoints,
            DU = arena.Rows(Filled(data.U.Length), c.Batch, c.Length, c.Channels),
            DDelta = arena.Rows(Filled(data.U.Length), c.Batch, c.Length, c.Channels),
            DZ = data.Z is null ? default : arena.Rows(Filled(data.U.Length), c.Batch, c.Length, c.Channels),
            DB = arena.Rows(Filled(data.B.Length), c.Batch, c.Length, c.States),
            DC = arena.Rows(Filled(data.C.Length), c.Batch, c.Length, c.States),
            DA = arena.Array(Filled(data.A.Length)),
            DD = data.D is null ? null : arena.Array(Filled(data.D.Length)),
            DDeltaBias = data.Bias is null ? null : arena.Array(Filled(data.Bias.Length)),
            DInitialState = data.Initial is null ? null : arena.Array(Filled(data.Initial.Length)),
            Accumulate = c.Accumulate,
        };
        if (path == KernelPath.Reference) SelectiveScanReference.Backward(inputs, g);
        else
        {
            using KernelDispatch.Scope scope = KernelDispatch.Use(path);
            SelectiveScan.Backward((SelectiveScanInputs<float>)(object)inputs, (SelectiveScanGradients<float>)(object)g);
        }

        results.Put("du", Arena<T>.Read(g.DU, c.Batch, c.Length, c.Channels));
        results.Put("ddelta", Arena<T>.Read(g.DDelta, c.Batch, c.Length, c.Channels));
        results.Put("dz", Arena<T>.Read(g.DZ, c.Batch, c.Length, c.Channels));
        results.Put("dB", Arena<T>.Read(g.DB, c.Batch, c.Length, c.States));
        results.Put("dC", Arena<T>.Read(g.DC, c.Batch, c.Length, c.States));
        results.Put("dA", Arena<T>.Read(g.DA, data.A));
        results.Put("dD", Arena<T>.Read(g.DD, data.D));
        results.Put("dbias", Arena<T>.Read(g.DDeltaBias, data.Bias));
        results.Put("dinitial", Arena<T>.Read(g.DInitialState, data.Initial));
    }

    private static void Forward<T>(in SelectiveScanInputs<T> inputs, in SelectiveScanOutputs<T> outputs, KernelPath path)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        if (path == KernelPath.Reference)
        {
            SelectiveScanReference.Forward(inputs, outputs);
            return;
        }

        using KernelDispatch.Scope scope = KernelDispatch.Use(path);
        SelectiveScan.Forward((SelectiveScanInputs<float>)(object)inputs, (SelectiveScanOutputs<float>)(object)outputs);
    }

    // Targets start non-zero, so that one that should be overwritten but is added into shows.
    private static double[] Filled(int count)
    {
        var values = new double[count];
        Array.Fill(values, Prefill);
        return values;
    }
}
