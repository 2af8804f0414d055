using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using GenoSeq.Torch.Native;

namespace GenoSeq.Torch;

/// <summary>
/// Any operator of libtorch's dispatcher, by schema name and overload. This is the whole binding of operators: the
/// named methods of <see cref="torch"/> and <see cref="torch.Tensor"/> are one-line calls of these.
/// </summary>
/// <remarks>
/// A call goes through the same dispatch (autograd, device, autocast) as one from Python. Arguments are positional;
/// trailing ones take the schema's defaults. One call costs a few microseconds: fuse, and never call one per token.
/// </remarks>
public sealed unsafe class Operator
{
    private const int MaxResults = 12;
    private readonly string _name;
    private readonly string _overload;
    private nint _handle;

    /// <summary>Names an operator; it is looked up at its first call.</summary>
    /// <param name="name">Schema name, such as <c>aten::add</c>.</param>
    /// <param name="overload">Overload, such as <c>Tensor</c>; empty for the one without a name.</param>
    public Operator(string name, string overload = "")
    {
        _name = name;
        _overload = overload;
    }

    /// <summary>Name and overload, joined by a point.</summary>
    public string FullName => _overload.Length == 0 ? _name : $"{_name}.{_overload}";

    /// <summary>True when this libtorch has the operator.</summary>
    public bool Exists
    {
        get
        {
            nint handle = _handle;
            if (handle == 0 && NativeMethods.gs_op_find(_name, _overload, &handle) == 0)
            {
                _handle = handle;
            }

            return handle != 0;
        }
    }

    /// <summary>Calls the operator and returns its one tensor.</summary>
    /// <exception cref="TorchException">The operator refused its arguments; the message has its name and their shapes.</exception>
    public torch.Tensor Call(params ReadOnlySpan<Arg> args)
    {
        Value* results = stackalloc Value[MaxResults];
        int n = Invoke(args, results);
        if (n != 1 || results[0].Tag != ValueTag.Tensor)
        {
            NativeMethods.gs_results_free(results, n);
            throw new TorchException($"{FullName} returned {n} values where one tensor was expected (see CallMany)");
        }

        return new torch.Tensor((nint)results[0].Bits);
    }

    /// <summary>Calls the operator and returns its results in their order, with null for an undefined tensor and for a number.</summary>
    public torch.Tensor?[] CallTensors(params ReadOnlySpan<Arg> args)
    {
        Value* results = stackalloc Value[MaxResults];
        int n = Invoke(args, results);
        var result = new torch.Tensor?[n];
        for (int k = 0; k < n; k++)
        {
            if (results[k].Tag == ValueTag.Tensor)
            {
                result[k] = new torch.Tensor((nint)results[k].Bits);
                results[k].Tag = ValueTag.None;
            }
        }

        NativeMethods.gs_results_free(results, n);
        return result;
    }

    /// <summary>Calls the operator and returns its results, all tensors; an undefined one is null.</summary>
    public torch.Tensor?[] CallMany(params ReadOnlySpan<Arg> args)
    {
        Value* results = stackalloc Value[MaxResults];
        int n = Invoke(args, results);
        if (n == 1 && results[0].Tag == ValueTag.TensorList)
        {
            nint* list = (nint*)results[0].Bits;
            var tensors = new torch.Tensor?[results[0].Length];
            for (int k = 0; k < tensors.Length; k++)
            {
                tensors[k] = list[k] == 0 ? null : new torch.Tensor(list[k]);
            }

            NativeMethods.gs_free(list);
            return tensors;
        }

        var result = new torch.Tensor?[n];
        for (int k = 0; k < n; k++)
        {
            if (results[k].Tag is not (ValueTag.Tensor or ValueTag.None))
            {
                NativeMethods.gs_results_free(results, n);
                throw new TorchException($"{FullName}: result {k} is no tensor");
            }
        }

        for (int k = 0; k < n; k++)
        {
            result[k] = results[k].Tag == ValueTag.Tensor ? new torch.Tensor((nint)results[k].Bits) : null;
        }

        return result;
    }

    /// <summary>Calls an in-place operator: its result is its first argument, so no new wrapper is made.</summary>
    public void CallInPlace(params ReadOnlySpan<Arg> args)
    {
        Value* results = stackalloc Value[MaxResults];
        int n = Invoke(args, results);
        NativeMethods.gs_results_free(results, n);
    }

    /// <summary>Calls an operator whose one result is a number or a truth value.</summary>
    public double CallScalar(params ReadOnlySpan<Arg> args)
    {
        Value value = Number(args);
        return value.Tag == ValueTag.Double ? BitConverter.Int64BitsToDouble(value.Bits) : value.Bits;
    }

    /// <summary>Like <see cref="CallScalar"/>, exact for every 64-bit integer; a floating-point result is truncated.</summary>
    public long CallInteger(params ReadOnlySpan<Arg> args)
    {
        Value value = Number(args);
        return value.Tag == ValueTag.Double ? (long)BitConverter.Int64BitsToDouble(value.Bits) : value.Bits;
    }

    /// <inheritdoc/>
    public override string ToString() => FullName;

    private Value Number(ReadOnlySpan<Arg> args)
    {
        Value* results = stackalloc Value[MaxResults];
        int n = Invoke(args, results);
        if (n != 1 || results[0].Tag is not (ValueTag.Double or ValueTag.Int or ValueTag.Bool))
        {
            NativeMethods.gs_results_free(results, n);
            throw new TorchException($"{FullName} returned no number");
        }

        return results[0];
    }

    private int Invoke(ReadOnlySpan<Arg> args, Value* results)
    {
        if (_handle == 0)
        {
            nint handle;
            Status.Check(NativeMethods.gs_op_find(_name, _overload, &handle));
            _handle = handle;
        }

        int words = 0;
        foreach (ref readonly Arg a in args)
        {
            words += a.Words;
        }

        Value* native = stackalloc Value[args.Length + 1];
        long[]? rented = words > 512 ? ArrayPool<long>.Shared.Rent(words) : null;
        long* inline = stackalloc long[rented is null ? words + 1 : 1];
        int n = MaxResults;
        int status;
        fixed (long* pinned = rented)
        {
            long* lists = rented is null ? inline : pinned;
            for (int k = 0; k < args.Length; k++)
            {
                native[k] = args[k].Marshal(lists);
                lists += args[k].Words;
            }

            status = NativeMethods.gs_op_call(_handle, native, args.Length, results, &n);
        }

        if (rented is not null)
        {
            ArrayPool<long>.Shared.Return(rented);
        }

        foreach (ref readonly Arg a in args)
        {
            GC.KeepAlive(a.Object);
        }

        if (status != 0)
        {
            // The message is fetched first: describing the arguments calls into the library again.
            string message = Status.LastMessage();
            Status.Throw(status, message, FullName, Describe(args));
        }

        return n;
    }

    private static string Describe(ReadOnlySpan<Arg> args)
    {
        var text = new StringBuilder();
        foreach (ref readonly Arg a in args)
        {
            text.Append(text.Length == 0 ? "" : ", ").Append(a.Describe());
        }

        return text.ToString();
    }
}

/// <summary>One argument of an operator: made by implicit conversion from what callers have.</summary>
public readonly unsafe struct Arg
{
    private readonly ValueTag _tag;
    private readonly int _length;
    private readonly long _bits;

    private Arg(ValueTag tag, long bits = 0, object? value = null, int length = 0)
    {
        _tag = tag;
        _bits = bits;
        Object = value;
        _length = length;
    }

    /// <summary>The schema's own default.</summary>
    public static Arg Default => new(ValueTag.Default);

    /// <summary>None: an absent optional.</summary>
    public static Arg None => new(ValueTag.None);

    internal object? Object { get; }

    internal int Words => Object switch
    {
        long[] list => list.Length,
        double[] list => list.Length,
        torch.Tensor?[] list => list.Length,
        bool[] list => list.Length,
        string text => (Encoding.UTF8.GetByteCount(text) + 7) / 8,
        _ => 0,
    };

    /// <summary>A tensor, or none.</summary>
    public static implicit operator Arg(torch.Tensor? t) => t is null ? None : new(ValueTag.Tensor, 0, t);

    /// <summary>An integer.</summary>
    public static implicit operator Arg(long v) => new(ValueTag.Int, v);

    /// <summary>A floating-point number.</summary>
    public static implicit operator Arg(double v) => new(ValueTag.Double, BitConverter.DoubleToInt64Bits(v));

    /// <summary>A floating-point number, or none.</summary>
    public static implicit operator Arg(double? v) => v is null ? None : (Arg)v.Value;

    /// <summary>A truth value.</summary>
    public static implicit operator Arg(bool v) => new(ValueTag.Bool, v ? 1 : 0);

    /// <summary>A string.</summary>
    public static implicit operator Arg(string v) => new(ValueTag.String, 0, v);

    /// <summary>A list of integers: a shape, dimensions.</summary>
    public static implicit operator Arg(long[] v) => new(ValueTag.IntList, 0, v);

    /// <summary>A list of numbers.</summary>
    public static implicit operator Arg(double[] v) => new(ValueTag.DoubleList, 0, v);

    /// <summary>A list of truth values.</summary>
    public static implicit operator Arg(bool[] v) => new(ValueTag.BoolList, 0, v);

    /// <summary>A list of tensors.</summary>
    public static implicit operator Arg(torch.Tensor[] v) => new(ValueTag.TensorList, 0, v);

    /// <summary>An element type.</summary>
    public static implicit operator Arg(ScalarType v) => new(ValueTag.Int, (long)v);

    /// <summary>An element type, or none.</summary>
    public static implicit operator Arg(ScalarType? v) => v is null ? None : (Arg)v.Value;

    /// <summary>A device.</summary>
    public static implicit operator Arg(Device v) => new(ValueTag.Device, (long)v.Type, null, v.Index);

    /// <summary>A device, or none.</summary>
    public static implicit operator Arg(Device? v) => v is null ? None : (Arg)v.Value;

    /// <summary>A list of tensors of which some may be absent: what indexing takes.</summary>
    public static Arg OptionalTensors(torch.Tensor?[] v) => new(ValueTag.OptionalTensorList, 0, v);

    internal Value Marshal(long* words)
    {
        var value = new Value { Tag = _tag, Length = _length, Bits = _bits };
        switch (Object)
        {
            case torch.Tensor t:
                value.Bits = t.Handle;
                break;
            case long[] list:
                list.AsSpan().CopyTo(new Span<long>(words, list.Length));
                (value.Length, value.Bits) = (list.Length, (long)words);
                break;
            case double[] list:
                MemoryMarshal.Cast<double, long>(list).CopyTo(new Span<long>(words, list.Length));
                (value.Length, value.Bits) = (list.Length, (long)words);
                break;
            case torch.Tensor?[] list:
                for (int k = 0; k < list.Length; k++)
                {
                    words[k] = list[k]?.Handle ?? 0;
                }

                (value.Length, value.Bits) = (list.Length, (long)words);
                break;
            case bool[] list:
                for (int k = 0; k < list.Length; k++)
                {
                    words[k] = list[k] ? 1 : 0;
                }

                (value.Length, value.Bits) = (list.Length, (long)words);
                break;
            case string text:
                int bytes = Encoding.UTF8.GetBytes(text, new Span<byte>(words, Words * 8));
                (value.Length, value.Bits) = (bytes, (long)words);
                break;
        }

        return value;
    }

    internal string Describe() => Object switch
    {
        torch.Tensor t => t.Describe(),
        long[] list => $"[{string.Join(", ", list)}]",
        double[] list => $"[{string.Join(", ", list)}]",
        torch.Tensor?[] list => $"[{string.Join(", ", list.Select(t => t?.Describe() ?? "none"))}]",
        bool[] list => $"[{string.Join(", ", list)}]",
        string text => $"\"{text}\"",
        _ => _tag switch
        {
            ValueTag.Int => $"{_bits}",
            ValueTag.Double => $"{BitConverter.Int64BitsToDouble(_bits)}",
            ValueTag.Bool => _bits != 0 ? "true" : "false",
            ValueTag.Device => new Device((DeviceType)_bits, _length).ToString(),
            ValueTag.Default => "default",
            _ => "none",
        },
    };
}
