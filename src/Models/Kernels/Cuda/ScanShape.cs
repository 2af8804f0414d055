using GenoSeq.Torch;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models.Kernels.Cuda;

/// <summary>Sizes and types shared by the scans of one launch, and the checks of their tensors.</summary>
internal sealed record ScanShape(int Scans, int Batch, int Length, int Channels, ScalarType Type, Device Device)
{
    /// <summary>Scans of one launch (GS_MAX_SCANS).</summary>
    internal const int MaxScans = 4;

    /// <summary>States of a channel, d_state, that the kernels are compiled for.</summary>
    internal const int States = 16;

    /// <summary>Steps between checkpoints, unless they are dense.</summary>
    internal const int CheckpointSteps = 16;

    /// <summary>Steps between dense checkpoints, from which the backward pass need not run forward again.</summary>
    internal const int DenseSteps = 4;

    internal bool IsSingle => Type == float32;

    /// <summary>Bytes of an activation.</summary>
    internal int ElementSize => IsSingle ? 4 : 2;

    /// <summary>Groups of 16 channels, the last one padded.</summary>
    internal int Chunks => (Channels + 15) / 16;

    /// <summary>Groups of 32 channels, a warp's of the serial kernel.</summary>
    internal int Strips => (Channels + 31) / 32;

    internal bool IsEmpty => Batch == 0 || Length == 0;

    internal string[] Definitions => IsSingle ? ["GS_F32_IO=1", "GS_CK_F32=1"] : [];

    internal long[] StateSize => [Batch, Channels, States];

    internal long[] RowsSize => [Batch, Length, Channels];

    /// <summary>Definitions of kernels that write or read checkpoints.</summary>
    internal string[] DefinitionsWith(int checkpointSteps) => [.. Definitions, $"GS_CK_STEPS={checkpointSteps}"];

    internal long[] CheckpointSize(int steps) => [Batch, (Length + steps - 1) / steps, Chunks, States, 16];

    /// <summary>Steps between checkpoints of which each scan has so many; where both fit, there is one, before the first step.</summary>
    internal int StepsBetween(Tensor checkpoints) =>
        checkpoints.dim() == 5 && checkpoints.size(1) == (Length + DenseSteps - 1) / DenseSteps ? DenseSteps : CheckpointSteps;

    /// <summary>Checks the inputs of all directions.</summary>
    /// <exception cref="ArgumentException">A size, type, stride or device does not fit.</exception>
    internal static ScanShape Of(ReadOnlySpan<ScanDirection> directions, Tensor? ids)
    {
        if (directions.Length is < 1 or > MaxScans)
        {
            throw new ArgumentException($"{directions.Length} scans in one launch; expected 1 to {MaxScans}");
        }

        Tensor u = directions[0].U;
        if (u.dim() != 3 || (u.dtype != bfloat16 && u.dtype != float32))
        {
            throw new ArgumentException($"the scan takes u [batch, length, d_inner] in bf16 or f32, not {u.Describe()}");
        }

        var shape = new ScanShape(
            directions.Length, checked((int)u.size(0)), checked((int)u.size(1)), checked((int)u.size(2)), u.dtype, u.device);
        if (shape.Channels == 0 || shape.Channels % 8 != 0)
        {
            throw new ArgumentException($"d_inner is {shape.Channels}; the scan on the GPU takes multiples of 8");
        }

        foreach (ScanDirection x in directions)
        {
            shape.RowStride(x.U, shape.Channels, "u");
            if (x.DtProj is { } projection)
            {
                int rank = checked((int)projection.size(-1));
                shape.RowStride(x.Delta, rank, "dt");
                shape.Dense(projection, shape.Type, "dt_proj", shape.Channels, rank);
            }
            else
            {
                shape.RowStride(x.Delta, shape.Channels, "delta");
            }

            shape.RowStride(x.B, States, "B");
            shape.RowStride(x.C, States, "C");
            shape.Dense(x.A, "A", shape.Channels, States);
            shape.Dense(x.Skip, "D", shape.Channels);
            shape.Dense(x.DtBias, "the bias of delta", shape.Channels);
            shape.Dense(x.InitialState, "the initial state", shape.StateSize);
        }

        if (ids is not null && (ids.dtype != int32 || !ids.is_contiguous() || !ids.shape.AsSpan().SequenceEqual([shape.Batch, shape.Length])))
        {
            throw new ArgumentException($"sequence ids must be contiguous i32[{shape.Batch}, {shape.Length}], not {ids.Describe()}");
        }

        return shape;
    }

    /// <summary>Elements from one row of t [batch, length, width] to the next, over batch entries too.</summary>
    /// <exception cref="ArgumentException">The tensor does not fit, or its rows are not evenly spaced and 16-byte aligned.</exception>
    internal long RowStride(Tensor t, int width, string name)
    {
        if (t.dtype != Type || t.device != Device || !t.shape.AsSpan().SequenceEqual([Batch, Length, width]))
        {
            throw new ArgumentException($"{name} must be {Type} [{Batch}, {Length}, {width}] on {Device}, not {t.Describe()}");
        }

        if (IsEmpty)
        {
            return width;
        }

        long row = Length > 1 ? t.stride(1) : Batch > 1 ? t.stride(0) : width;
        bool even = Length == 1 || Batch == 1 || t.stride(0) == row * Length;
        if (t.stride(2) != 1 || !even || row * ElementSize % 16 != 0 || t.data_ptr() % 16 != 0)
        {
            throw new ArgumentException(
                $"{name}: strides [{string.Join(", ", t.stride())}] of {t.Describe()}; the scan needs evenly spaced rows of unit stride, aligned to 16 bytes");
        }

        return row;
    }

    /// <summary>Checks a contiguous single-precision tensor and returns its address; 0 for null.</summary>
    internal nint Dense(Tensor? t, string name, params ReadOnlySpan<long> size) => Dense(t, float32, name, size);

    /// <summary>The same for another type.</summary>
    internal nint Dense(Tensor? t, ScalarType type, string name, params ReadOnlySpan<long> size)
    {
        if (t is null)
        {
            return 0;
        }

        if (t.dtype != type || t.device != Device || !t.is_contiguous() || !t.shape.AsSpan().SequenceEqual(size) || t.data_ptr() % 16 != 0)
        {
            throw new ArgumentException(
                $"{name} must be contiguous {type} [{string.Join(", ", size.ToArray())}] on {Device}, 16-byte aligned, not {t.Describe()}");
        }

        return t.data_ptr();
    }
}
