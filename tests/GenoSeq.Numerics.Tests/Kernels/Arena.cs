using System.Numerics;
using GenoSeq.Models.Kernels;

namespace GenoSeq.Numerics.Tests.Kernels;

/// <summary>Pinned test tensors of type T made from doubles, with gaps between rows that must stay untouched.</summary>
internal sealed unsafe class Arena<T>(int gap)
    where T : unmanaged, INumber<T>
{
    private const int Sentinel = 12345;
    private readonly List<(T[] Data, int Rows, int Width)> _rows = [];
    private readonly List<int[]> _ints = [];

    public T* Array(double[]? values)
    {
        if (values is null) return null;
        T[] data = GC.AllocateArray<T>(Math.Max(1, values.Length), pinned: true);
        for (int i = 0; i < values.Length; i++) data[i] = T.CreateChecked(values[i]);
        _rows.Add((data, 0, 0)); // keeps it alive
        fixed (T* pointer = data) return pointer;
    }

    public int* Ints(int[]? values)
    {
        if (values is null) return null;
        int[] data = GC.AllocateArray<int>(Math.Max(1, values.Length), pinned: true);
        values.CopyTo(data, 0);
        _ints.Add(data);
        fixed (int* pointer = data) return pointer;
    }

    public Rows<T> Rows(double[]? values, int batch, int length, int width)
    {
        if (values is null) return default;
        int stride = width + gap;
        T[] data = GC.AllocateArray<T>((batch * length * stride) + gap + 1, pinned: true);
        System.Array.Fill(data, T.CreateChecked(Sentinel));
        for (int row = 0; row < batch * length; row++)
        {
            for (int i = 0; i < width; i++) data[gap + (row * stride) + i] = T.CreateChecked(values[(row * width) + i]);
        }

        _rows.Add((data, batch * length, width));
        fixed (T* pointer = data) return new Rows<T>(pointer + gap, stride, (long)length * stride);
    }

    public static double[]? Read(T* data, double[]? like)
    {
        if (data == null || like is null) return null;
        var result = new double[like.Length];
        for (int i = 0; i < result.Length; i++) result[i] = double.CreateChecked(data[i]);
        return result;
    }

    public static double[]? Read(Rows<T> rows, int batch, int length, int width)
    {
        if (!rows.IsPresent) return null;
        var result = new double[batch * length * width];
        for (int b = 0; b < batch; b++)
        {
            for (int t = 0; t < length; t++)
            {
                for (int i = 0; i < width; i++)
                    result[((((b * length) + t)) * width) + i] = double.CreateChecked(rows.At(b, t)[i]);
            }
        }

        return result;
    }

    public void CheckGaps()
    {
        T sentinel = T.CreateChecked(Sentinel);
        foreach ((T[] data, int rows, int width) in _rows)
        {
            for (int row = 0; row < rows; row++)
            {
                for (int i = 0; i < gap; i++)
                    Assert.True(data[(row * (width + gap)) + i] == sentinel, $"the gap before row {row} was written");
            }

            if (rows > 0) Assert.True(data[^1] == sentinel, "memory after the last row was written");
        }
    }
}
