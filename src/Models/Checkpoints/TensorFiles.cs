using GenoSeq.Torch;
using GenoSeq.Torch.Safetensors;
using static GenoSeq.Torch.torch;

namespace GenoSeq.Models;

/// <summary>Tensors to and from safetensors.</summary>
public static unsafe class TensorFiles
{
    /// <summary>Copies a stored tensor to a new one on the CPU, with its own element type.</summary>
    public static Tensor Read(SafetensorsCheckpoint file, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        SafetensorsEntry entry = file[name];
        Tensor t = empty(entry.Shape, TypeOf(entry, file.Path));
        file.CopyTo(name, (byte*)t.data_ptr(), entry.ByteLength);
        return t;
    }

    /// <summary>A source that writes a tensor, from whatever device, when its turn comes.</summary>
    public static SafetensorsSource Source(string name, Tensor t)
    {
        ArgumentNullException.ThrowIfNull(t);
        return new SafetensorsSource(name, TypeOf(t.dtype), t.shape, stream =>
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable mode = no_grad();
            Tensor c = t.detach().cpu().contiguous();
            long bytes = c.numel() * c.dtype.ElementSize();
            byte* p = (byte*)c.data_ptr();
            for (long done = 0; done < bytes; done += 1 << 24)
            {
                stream.Write(new ReadOnlySpan<byte>(p + done, (int)Math.Min(1 << 24, bytes - done)));
            }

            GC.KeepAlive(c);
        });
    }

    private static ScalarType TypeOf(SafetensorsEntry entry, string path) => entry.DType switch
    {
        SafetensorsDType.F32 => ScalarType.Float32,
        SafetensorsDType.F64 => ScalarType.Float64,
        SafetensorsDType.F16 => ScalarType.Float16,
        SafetensorsDType.BF16 => ScalarType.BFloat16,
        SafetensorsDType.I64 => ScalarType.Int64,
        SafetensorsDType.I32 => ScalarType.Int32,
        SafetensorsDType.I16 => ScalarType.Int16,
        SafetensorsDType.I8 => ScalarType.Int8,
        SafetensorsDType.U8 => ScalarType.Byte,
        SafetensorsDType.Bool => ScalarType.Bool,
        _ => throw new CheckpointException($"tensor {entry.Name} is stored as {entry.DType}", path,
            "F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL", "convert the checkpoint"),
    };

    private static SafetensorsDType TypeOf(ScalarType type) => type switch
    {
        ScalarType.Float32 => SafetensorsDType.F32,
        ScalarType.Float64 => SafetensorsDType.F64,
        ScalarType.Float16 => SafetensorsDType.F16,
        ScalarType.BFloat16 => SafetensorsDType.BF16,
        ScalarType.Int64 => SafetensorsDType.I64,
        ScalarType.Int32 => SafetensorsDType.I32,
        ScalarType.Int16 => SafetensorsDType.I16,
        ScalarType.Int8 => SafetensorsDType.I8,
        ScalarType.Byte => SafetensorsDType.U8,
        ScalarType.Bool => SafetensorsDType.Bool,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "safetensors has no such element type"),
    };
}
